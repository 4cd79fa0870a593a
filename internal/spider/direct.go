package spider

import (
	"fmt"
	"math"
	"strings"
)

// Direct is what the third argument of spider_direct_sql says.
type Direct struct {
	place Place
	// Loop says into which table a result set goes for which none is named: 0 none, 1 the last one, 2 the first one again and so on.
	Loop int
	// Real: the tables need not be temporary.
	Real bool
	// Quiet: a server that can't be reached is a warning.
	Quiet bool
}

// directs are the parameters of spider_direct_sql. Those that are a link's are called as there, but for some aliases.
var directs = []param{
	{name: "server", alias: "srv", limit: maxName},
	{name: "wrapper", limit: maxName},
	{name: "host", limit: maxName},
	{name: "port", kind: integer, max: math.MaxUint16},
	{name: "socket", limit: maxPath},
	{name: "user", limit: maxName},
	{name: "password", limit: maxName},
	{name: "database", limit: maxName},
	{name: "ssl_ca", alias: "sca", limit: maxPath},
	{name: "ssl_capath", alias: "scp", limit: maxPath},
	{name: "ssl_cert", alias: "scr", limit: maxPath},
	{name: "ssl_cipher", alias: "sch", limit: maxName},
	{name: "ssl_key", alias: "sky", limit: maxPath},
	{name: "ssl_verify_server_cert", alias: "svc", kind: integer, max: 1},
	{name: "connect_timeout", alias: "cto", kind: integer, max: maxInt32},
	{name: "net_read_timeout", alias: "rto", kind: integer, max: maxInt32},
	{name: "net_write_timeout", alias: "wto", kind: integer, max: maxInt32},
	{name: "table_loop_mode", alias: "tlm", kind: integer, max: 2},
	{name: "use_real_table", alias: "urt", kind: integer, max: 1},
	{name: "error_rw_mode", alias: "erwm", kind: integer, max: 1},
	// Without effect.
	{name: "priority", alias: "prt", kind: integer, max: math.MaxInt64},
	{name: "bulk_insert_rows", alias: "bir", kind: integer, max: math.MaxInt64},
	{name: "connection_channel", alias: "cch", kind: integer, max: 63},
	{name: "default_file", alias: "dff", limit: maxPath},
	{name: "default_group", alias: "dfg", limit: maxName},
	{name: "dsn", limit: maxName},
	{name: "filedsn", alias: "fds", limit: maxPath},
	{name: "driver", alias: "drv", limit: maxName},
	{name: "iop", kind: perKey},
}

// findDirect finds a parameter of spider_direct_sql by a name as written; nil when there is none.
func findDirect(name string) *param {
	name = strings.ToLower(name)
	for i := range directs {
		p := &directs[i]
		if p.kind == perKey {
			if len(name) == len(p.name)+perKeyDigits && strings.HasPrefix(name, p.name) {
				return p
			}
		} else if name == p.name || p.alias != "" && name == p.alias {
			return p
		}
	}
	return nil
}

// ReadDirect reads the third argument of spider_direct_sql. An error names the parameter, and no value.
func ReadDirect(info string) (*Direct, error) {
	d := &Direct{place: Place{Count: 1, Params: map[string][]string{}}}
	list, err := pairs(info)
	if err != nil {
		return nil, err.direct()
	}
	for _, w := range list {
		p := findDirect(w.name)
		if p == nil {
			return nil, invalid(w.name, "there is no such parameter").direct()
		}
		if _, set := d.place.Params[p.name]; set || p.kind == perKey { // the first one counts
			continue
		}
		value := w.value
		if p.kind == integer {
			n, ok := p.number(value)
			if !ok {
				return nil, invalid(w.name, "not a number").direct()
			}
			value = n
		}
		if p.limit > 0 && len(value) > p.limit {
			return nil, tooLong(p.name, value, p.limit)
		}
		d.place.Params[p.name] = []string{value}
	}
	for _, v := range d.place.Params["password"] {
		d.place.Passwords = []Secret{Secret(v)}
	}
	delete(d.place.Params, "password")
	d.Loop = d.place.number("table_loop_mode", 0, 0)
	d.Real, d.Quiet = d.place.number("use_real_table", 0, 0) != 0, d.place.number("error_rw_mode", 0, 0) != 0
	return d, nil
}

// Link is the link that the parameters describe. database is what is meant where neither they nor the server name one; find gives a server, and its password
// as it is sealed.
func (d *Direct) Link(database string, find func(name string) (v Server, sealed []byte, purpose string, ok bool)) (Link, error) {
	var sealed []byte
	var purpose string
	links, err := d.place.Links(database, "", func(name string) (Server, bool) {
		v, s, p, ok := find(name)
		sealed, purpose = s, p
		return v, ok
	})
	if err != nil {
		return Link{}, err
	}
	l := links[0]
	if len(d.place.Passwords) == 0 {
		l.Sealed, l.Purpose = sealed, purpose
	}
	return l, nil
}

// direct is an error of connect information as one of an argument.
func (e *Error) direct() *Error {
	c := *e
	c.Number = 12503
	c.Message = strings.Replace(e.Message, "The connect info ", "The UDF parameter ", 1)
	return &c
}

// TemporaryMissing is the error for a table that spider_direct_sql is to put rows into.
func TemporaryMissing(db, table string) *Error {
	return &Error{ErrNoTable, 12703, fmt.Sprintf("Temporary table '%s.%s' is not found", db, table)}
}

// NoLinkTo is the error for a link that spider_copy_tables is to copy from, or to.
func NoLinkTo(source bool) *Error {
	if source {
		return &Error{ErrNoTable, 12704, "Source table is not found"}
	}
	return &Error{ErrNoTable, 12705, "Destination table is not found"}
}

// Blank is the error for an argument of spider_copy_tables that must not be empty.
func Blank(argument int) *Error {
	return &Error{ErrInvalid, 12517, fmt.Sprintf("The UDF no.%d argument can't be blank", argument)}
}

// Required is the error for an argument of spider_ping_table that must not be empty.
func Required(argument string) *Error {
	return &Error{ErrInvalid, 12506, fmt.Sprintf("The UDF parameter '%s' is required", argument)}
}
