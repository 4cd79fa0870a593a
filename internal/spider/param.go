package spider

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// kind is what the value of a parameter is.
type kind uint8

const (
	texts    kind = iota // one text, or one a link
	text                 // one text
	integers             // one number, or one a link
	integer              // one number
	decimal              // one number with a fraction
	perKey               // anything, of a key that three characters behind the name number
)

// perKeyDigits is how many characters number the key.
const perKeyDigits = 3

// How long texts may be, in bytes: as wide as the columns of mysql.spider_tables.
const (
	maxName = 64
	maxPath = 512
)

// param is a parameter of connect information.
type param struct {
	name, alias string
	kind        kind
	min, max    int64 // of integer and integers: what is outside becomes the nearest inside
	limit       int   // of texts, in bytes; 0: none
	effect      bool  // it changes something here
}

const maxInt32 = math.MaxInt32

// params are all parameters that Spider of MariaDB 10.11 takes, and two that older ones took (use_handler, internal_delayed). Ranges are Spider's.
var params = []param{
	// Where a link leads to.
	{name: "server", alias: "srv", limit: maxName, effect: true},
	{name: "wrapper", limit: maxName, effect: true},
	{name: "host", limit: maxName, effect: true},
	{name: "port", kind: integers, max: math.MaxUint16, effect: true},
	{name: "socket", limit: maxPath, effect: true},
	{name: "user", limit: maxName, effect: true},
	{name: "password", limit: maxName, effect: true},
	{name: "database", limit: maxName, effect: true},
	{name: "table", alias: "tbl", limit: maxName, effect: true},
	{name: "ssl_ca", alias: "sca", limit: maxPath, effect: true},
	{name: "ssl_capath", alias: "scp", limit: maxPath, effect: true},
	{name: "ssl_cert", alias: "scr", limit: maxPath, effect: true},
	{name: "ssl_cipher", alias: "sch", limit: maxName, effect: true},
	{name: "ssl_key", alias: "sky", limit: maxPath, effect: true},
	{name: "ssl_verify_server_cert", alias: "svc", kind: integers, max: 1, effect: true},
	{name: "connect_timeout", alias: "cto", kind: integers, max: maxInt32, effect: true},
	{name: "net_read_timeout", alias: "nrt", kind: integers, max: maxInt32, effect: true},
	{name: "net_write_timeout", alias: "nwt", kind: integers, max: maxInt32, effect: true},
	{name: "static_link_id", alias: "sli", limit: maxName, effect: true},
	{name: "priority", alias: "prt", kind: integer, max: math.MaxInt64},
	// Files of other programs' options would be read on the node, by its account.
	{name: "default_file", alias: "dff", limit: maxPath},
	{name: "default_group", alias: "dfg", limit: maxName},
	// Of ODBC and Oracle.
	{name: "dsn", limit: maxName},
	{name: "filedsn", alias: "fds", limit: maxPath},
	{name: "driver", alias: "drv", limit: maxName},
	{name: "pk_name", alias: "pkn", limit: maxName},
	{name: "sequence_name", alias: "sqn", limit: maxName},

	// Which links are used.
	{name: "link_status", alias: "lst", kind: integers, max: 3, effect: true},
	{name: "active_link_count", alias: "alc", kind: integer, min: 1, max: maxInt32, effect: true},
	{name: "access_balance", alias: "abl", kind: integers, max: maxInt32, effect: true},
	{name: "monitoring_kind", alias: "mkd", kind: integers, max: 3, effect: true},
	{name: "monitoring_flag", alias: "mfg", kind: integers, max: 1},
	{name: "monitoring_limit", alias: "mlt", kind: integers, max: math.MaxInt64},
	{name: "monitoring_server_id", alias: "msi", kind: integers, max: math.MaxUint32},
	{name: "monitoring_bg_kind", alias: "mbk", kind: integers, max: 3},
	{name: "monitoring_bg_flag", alias: "mbf", kind: integers, max: 1},
	{name: "monitoring_bg_interval", alias: "mbi", kind: integers, max: math.MaxUint32},
	{name: "monitoring_binlog_pos_at_failing", alias: "mbp", kind: integers, max: 2},

	// What may be written, and how.
	{name: "read_only_mode", alias: "rom", kind: integer, max: 1, effect: true},
	{name: "auto_increment_mode", alias: "aim", kind: integer, max: 3},
	{name: "bulk_size", alias: "bsz", kind: integer, max: maxInt32},
	{name: "bulk_update_mode", alias: "bum", kind: integer, max: 2},
	{name: "bulk_update_size", alias: "bus", kind: integer, max: maxInt32},
	{name: "delete_all_rows_type", alias: "dat", kind: integer, max: 1},
	{name: "direct_dup_insert", alias: "ddi", kind: integer, max: 1},
	{name: "error_write_mode", alias: "ewm", kind: integer, max: 1},
	{name: "force_bulk_delete", alias: "fbd", kind: integer, max: 1},
	{name: "force_bulk_update", alias: "fbu", kind: integer, max: 1},
	{name: "internal_delayed", alias: "idl", kind: integer, max: 1},
	{name: "selupd_lock_mode", alias: "slm", kind: integer, max: 2},
	{name: "semi_table_lock", alias: "stl", kind: integer, max: 1},
	{name: "semi_table_lock_connection", alias: "stc", kind: integer, max: 1},

	// How rows are read.
	{name: "bgs_mode", alias: "bmd", kind: integer, max: maxInt32},
	{name: "bgs_first_read", alias: "bfr", kind: integer, max: math.MaxInt64},
	{name: "bgs_second_read", alias: "bsr", kind: integer, max: math.MaxInt64},
	{name: "bka_engine", alias: "bke", kind: text},
	{name: "bka_mode", alias: "bkm", kind: integer, max: 2},
	{name: "bka_table_name_type", alias: "btt", kind: integers, max: 1},
	{name: "buffer_size", alias: "bfz", kind: integer, max: maxInt32},
	{name: "casual_read", alias: "csr", kind: integer, max: 63},
	{name: "direct_order_limit", alias: "dol", kind: integer, max: math.MaxInt64},
	{name: "error_read_mode", alias: "erm", kind: integer, max: 1},
	{name: "first_read", alias: "frd", kind: integer, max: math.MaxInt64},
	{alias: "srd", kind: integer, max: math.MaxInt64},
	{name: "init_sql_alloc_size", alias: "isa", kind: integer, max: maxInt32},
	{name: "internal_limit", alias: "ilm", kind: integer, max: math.MaxInt64},
	{name: "internal_offset", alias: "ios", kind: integer, max: math.MaxInt64},
	{name: "internal_optimize", alias: "iom", kind: integer, max: 1},
	{name: "internal_optimize_local", alias: "iol", kind: integer, max: 1},
	{name: "low_mem_read", alias: "lmr", kind: integer, max: 1},
	{name: "max_order", alias: "mod", kind: integer, max: maxInt32},
	{name: "multi_split_read", alias: "msr", kind: integer, max: maxInt32},
	{name: "query_cache", alias: "qch", kind: integer, max: 2},
	{name: "query_cache_sync", alias: "qcs", kind: integer, max: 3},
	{name: "quick_mode", alias: "qmd", kind: integer, max: 3},
	{name: "quick_page_byte", alias: "qpb", kind: integer, max: math.MaxInt64},
	{name: "quick_page_size", alias: "qps", kind: integer, max: math.MaxInt64},
	{name: "reset_sql_alloc", alias: "rsa", kind: integer, max: 1},
	{name: "select_column_mode", alias: "scm", kind: integer, max: 1},
	{name: "semi_split_read", alias: "ssr", kind: decimal},
	{name: "semi_split_read_limit", alias: "ssl", kind: integer, max: math.MaxInt64},
	{name: "skip_default_condition", alias: "sdc", kind: integer, max: 1},
	{name: "skip_parallel_search", alias: "sps", kind: integer, max: 3},
	{name: "split_read", alias: "spr", kind: integer, max: math.MaxInt64},
	{name: "strict_group_by", alias: "sgb", kind: integers, max: 1},
	{name: "use_handler", alias: "uhd", kind: integers, max: 3},
	{name: "use_pushdown_udf", alias: "upu", kind: integer, max: 1},
	{name: "use_table_charset", alias: "utc", kind: integer, max: 1},
	{name: "idx", kind: perKey},

	// What Spider's optimizer believes.
	{name: "crd_bg_mode", alias: "cbm", kind: integer, max: 2},
	{name: "crd_interval", alias: "civ", kind: decimal},
	{name: "crd_mode", alias: "cmd", kind: integer, max: 3},
	{name: "crd_sync", alias: "csy", kind: integer, max: 2},
	{name: "crd_type", alias: "ctp", kind: integer, max: 2},
	{name: "crd_weight", alias: "cwg", kind: decimal},
	{name: "load_crd_at_startup", alias: "lcs", kind: integer, max: 1},
	{name: "load_sts_at_startup", alias: "lss", kind: integer, max: 1},
	{name: "read_rate", alias: "rrt", kind: decimal},
	{name: "scan_rate", alias: "srt", kind: decimal},
	{name: "static_key_cardinality", alias: "skc", kind: perKey},
	{name: "static_mean_rec_length", alias: "smr", kind: integer, max: math.MaxInt64},
	{name: "static_records_for_status", alias: "srs", kind: integer, max: math.MaxInt64},
	{name: "store_last_crd", alias: "slc", kind: integer, max: 1},
	{name: "store_last_sts", alias: "sls", kind: integer, max: 1},
	{name: "sts_bg_mode", alias: "sbm", kind: integer, max: 2},
	{name: "sts_interval", alias: "siv", kind: decimal},
	{name: "sts_mode", alias: "smd", kind: integer, min: 1, max: 2},
	{name: "sts_sync", alias: "ssy", kind: integer, max: 2},
	{name: "table_count_mode", alias: "tcm", kind: integer, max: 3},
}

// byName finds parameters by both their names; of the kind perKey without the number.
var byName = func() map[string]*param {
	m := make(map[string]*param, 2*len(params))
	for i := range params {
		for _, n := range []string{params[i].name, params[i].alias} {
			if n != "" {
				m[n] = &params[i]
			}
		}
	}
	return m
}()

// lookup finds a parameter by a name as written. number is the key's of the kind perKey.
func lookup(name string) (p *param, number string) {
	name = strings.ToLower(name)
	if p := byName[name]; p != nil && p.kind != perKey {
		return p, ""
	}
	if cut := len(name) - perKeyDigits; cut > 0 {
		if p := byName[name[:cut]]; p != nil && p.kind == perKey {
			return p, name[cut:]
		}
	}
	return nil, ""
}

// canonical is the name that values are kept under.
func (p *param) canonical() string {
	if p.name == "" {
		return p.alias
	}
	return p.name
}

// each says whether there may be a value for each link.
func (p *param) each() bool { return p.kind == texts || p.kind == integers }

// read takes a value apart and checks it. nil without an error: as if it had not been written.
func (p *param) read(value, number string, keys int) (values []string, why string) {
	switch p.kind {
	case text:
		return []string{value}, ""
	case texts:
		list, ok := words(value)
		if !ok {
			return nil, "a space at the end of a list"
		}
		return list, ""
	case integers:
		if strings.Trim(value, " ") == "" {
			return nil, ""
		}
		for part := range strings.SplitSeq(strings.TrimLeft(value, " "), " ") {
			if part == "" && len(values) > 0 {
				continue // several spaces between two values; one at the end is found below
			}
			n, ok := p.number(part)
			if !ok {
				return nil, "not a number"
			}
			values = append(values, n)
		}
		if strings.HasSuffix(value, " ") {
			return nil, "a space at the end of a list"
		}
		return values, ""
	case integer:
		n, ok := p.number(value)
		if !ok {
			return nil, "not a number"
		}
		return []string{n}, ""
	case decimal:
		f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, "not a number"
		}
		return []string{value}, ""
	case perKey:
		if n, err := strconv.Atoi(number); err != nil || n < 0 || keys >= 0 && n >= keys {
			return nil, "no such key"
		}
		return []string{value}, ""
	}
	return nil, "of no kind"
}

// number reads a whole number and brings it into the parameter's range, as Spider does.
func (p *param) number(value string) (string, bool) {
	value = strings.Trim(value, " \t\r\n")
	digits := strings.TrimLeft(value, "+-")
	if digits == "" || len(value)-len(digits) > 1 || slices.ContainsFunc([]byte(digits), func(c byte) bool { return c < '0' || c > '9' }) {
		return "", false
	}
	n, _ := strconv.ParseInt(value, 10, 64) // beyond the range it is the range's end
	return strconv.FormatInt(min(max(n, p.min), p.max), 10), true
}
