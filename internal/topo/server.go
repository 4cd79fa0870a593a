package topo

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Server is a server that CREATE SERVER has named, for linked tables to lead to.
type Server struct {
	Name     string `json:"name"` // as it was written; names are the same in upper and lower case
	Wrapper  string `json:"wrapper"`
	Host     string `json:"host,omitempty"`
	Port     int    `json:"port,omitempty"` // 0: the default
	Socket   string `json:"socket,omitempty"`
	User     string `json:"user,omitempty"`
	Database string `json:"database,omitempty"`
	Owner    string `json:"owner,omitempty"`
	// Password is encrypted, to be opened with Purpose; empty when there is none.
	Password []byte `json:"password,omitempty"`
}

// Purpose is what the password is sealed for: it is of no use for another account, or at another address.
func (s *Server) Purpose() string {
	return fmt.Sprintf("server %q: %q at %q, %d, %q", ServerKey(s.Name), s.User, s.Host, s.Port, s.Socket)
}

// ServerKey is the name under which a server is found, whatever its case and whatever spaces follow.
func ServerKey(name string) string { return strings.ToLower(strings.TrimRight(name, " ")) }

// Server finds a server, nil when there is none.
func (s *Snapshot) Server(name string) *Server { return s.Servers[ServerKey(name)] }

// ServerList lists the servers by name.
func (s *Snapshot) ServerList() []*Server {
	list := make([]*Server, 0, len(s.Servers))
	for _, v := range s.Servers {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b *Server) int { return strings.Compare(ServerKey(a.Name), ServerKey(b.Name)) })
	return list
}

// ErrNoServer and ErrServer are what an *Error about a server is about.
var (
	ErrNoServer = errors.New("no such server")
	ErrServer   = errors.New("a server can't be so")
)

// NoServer is MariaDB's 1477.
func NoServer(name string) *Error {
	return &Error{ErrNoServer, 1477, "HY000", fmt.Sprintf("The foreign server name you are trying to reference does not exist. Data source error:  %s", name)}
}

// Check says what can't be so of a server. MariaDB takes any port.
func (s *Server) Check() error {
	if s.Port < 0 || s.Port > 65535 {
		return &Error{ErrServer, 1690, "22003", "PORT " + strconv.Itoa(s.Port) + " of server '" + s.Name + "' is out of range: a port is 0 to 65535"}
	}
	return nil
}
