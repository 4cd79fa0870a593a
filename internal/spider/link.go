package spider

import "strconv"

// Defaults of what neither a parameter nor a server says.
const (
	DefaultHost           = "localhost"
	DefaultPort           = 3306
	DefaultWrapper        = "mysql"
	DefaultConnect        = 6   // seconds
	DefaultReadWrite      = 600 // seconds
	defaultBalance        = 100
	statusNoChange        = 0
	partitionSeparator    = "#P#"
	subpartitionSeparator = "#SP#"
)

// Secret is a password. It prints as ***.
type Secret string

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return "***" }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Reveal is the password.
func (s Secret) Reveal() string { return string(s) }

// Server is what CREATE SERVER says.
type Server struct {
	Name, Wrapper, Host string
	Port                int // 0: not given
	Socket, User        string
	Password            Secret
	Database            string
}

// Link is one remote table behind a place, and how it is reached.
type Link struct {
	ID       int    // counts from 0 within the place
	Server   string // "" when all is in the parameters
	Wrapper  string
	Host     string
	Port     int
	Socket   string // "" for the one that is MariaDB's default where Host is localhost
	User     string
	Password Secret
	// Sealed is the password as the catalog has it, and Purpose what it was sealed for: see LinksOf.
	Sealed   []byte
	Purpose  string
	Database string
	Table    string
	TLS      TLS
	// Timeouts in seconds; 0 is none.
	ConnectTimeout, ReadTimeout, WriteTimeout int
	given                                     [3]bool // which of them a parameter gives
	// Status is what the definition asks for as link_status (0 to leave it as it is), and of a link in the catalog what it is: topo.LinkOK and so on.
	Status int
	// Monitor is how the link is looked at when it has failed: 0 not at all, 1 by a ping, 2 and 3 by a look for a row.
	Monitor int
	// Balance is the link's weight among those that reads may choose from.
	Balance  int
	StaticID string
}

// TLS names files on the nodes.
type TLS struct {
	CA, CAPath, Cert, Cipher, Key string
	Verify                        bool
}

// timeouts are the parameters that say them, in the order of Link.given.
var timeouts = [3]string{"connect_timeout", "net_read_timeout", "net_write_timeout"}

// Otherwise sets the timeouts that no parameter gives, each unless it is negative.
func (l *Link) Otherwise(connect, read, write int) {
	for at, t := range [3]struct {
		of *int
		to int
	}{{&l.ConnectTimeout, connect}, {&l.ReadTimeout, read}, {&l.WriteTimeout, write}} {
		if !l.given[at] && t.to >= 0 {
			*t.of = t.to
		}
	}
}

// Local says whether the link goes through a socket of the node's machine, as MariaDB's clients decide it.
func (l *Link) Local() bool { return l.Host == "localhost" || l.Host == "" }

// Links are the links of a place of the table db.table, all values filled in: what the parameters say, then what the server says, then the defaults. find
// looks a server up; names are the same in upper and lower case.
func (p *Place) Links(db, table string, find func(name string) (Server, bool)) ([]Link, error) {
	links := make([]Link, p.Count)
	for i := range links {
		var from Server
		name, named := p.Text("server", i)
		if named {
			var ok bool
			if from, ok = find(name); !ok {
				return nil, noServer(name)
			}
		}
		first := func(param, server, otherwise string) string {
			if v, ok := p.Text(param, i); ok {
				return v
			}
			if server != "" {
				return server
			}
			return otherwise
		}
		password := from.Password
		if len(p.Passwords) > 0 {
			password = p.Passwords[min(i, len(p.Passwords)-1)]
		}
		port := DefaultPort
		if from.Port != 0 {
			port = from.Port
		}
		if port = p.number("port", i, port); port == 0 {
			port = DefaultPort
		}
		l := Link{
			ID: i, Server: name, Wrapper: first("wrapper", from.Wrapper, DefaultWrapper), Host: first("host", from.Host, DefaultHost), Port: port,
			Socket: first("socket", from.Socket, ""), User: first("user", from.User, ""), Password: password,
			Database: first("database", from.Database, db), Table: first("table", "", p.Name(table)),
			TLS: TLS{
				CA: first("ssl_ca", "", ""), CAPath: first("ssl_capath", "", ""), Cert: first("ssl_cert", "", ""), Cipher: first("ssl_cipher", "", ""),
				Key: first("ssl_key", "", ""), Verify: p.number("ssl_verify_server_cert", i, 0) != 0,
			},
			ConnectTimeout: p.number("connect_timeout", i, DefaultConnect),
			ReadTimeout:    p.number("net_read_timeout", i, DefaultReadWrite), WriteTimeout: p.number("net_write_timeout", i, DefaultReadWrite),
			Status: p.number("link_status", i, statusNoChange), Balance: p.number("access_balance", i, defaultBalance),
			StaticID: first(staticID, "", ""), Monitor: p.number("monitoring_kind", i, 0),
		}
		for at, name := range timeouts {
			_, l.given[at] = p.Text(name, i)
		}
		if !known(l.Wrapper) {
			return nil, noWrapper(l.Wrapper)
		}
		links[i] = l
	}
	return links, nil
}

// Name is how the place is called where Spider names it, and what its remote table is called when nobody says otherwise: t, t#P#p1, t#P#p1#SP#s1.
func (p *Place) Name(table string) string {
	if p.Partition != "" {
		table += partitionSeparator + p.Partition
	}
	if p.Subpartition != "" {
		table += subpartitionSeparator + p.Subpartition
	}
	return table
}

// Active is how many links are used, from the first one on; the others are spare.
func (p *Place) Active() int {
	return min(p.number("active_link_count", 0, p.Count), p.Count)
}

// AskedStatus is the link_status that the definition asks for: 0 leaves it as it is.
func (p *Place) AskedStatus(link int) int { return p.number("link_status", link, statusNoChange) }

// ReadOnly says that nothing is to be written: as the parameter says, or otherwise where there is none.
func (p *Place) ReadOnly(otherwise bool) bool {
	if _, given := p.Text("read_only_mode", 0); given {
		return p.number("read_only_mode", 0, 0) != 0
	}
	return otherwise
}

// Text is what is written under a parameter's long name for a link; ok is false where nothing is.
func (p *Place) Text(name string, link int) (value string, ok bool) {
	values := p.Params[name]
	switch {
	case link < len(values):
		return values[link], true
	case len(values) == 1 && name != staticID:
		return values[0], true
	}
	return "", false
}

func (p *Place) number(name string, link, otherwise int) int {
	if v, ok := p.Text(name, link); ok {
		if n, err := strconv.Atoi(v); err == nil {
			return n
		}
	}
	return otherwise
}
