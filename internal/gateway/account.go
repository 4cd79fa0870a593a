package gateway

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"time"
)

// account is one row of mysql.global_priv: who may log in, how, and under which conditions. Immutable.
type account struct {
	User, Host string
	// Methods are the ways to authenticate, in MariaDB's order, the cluster's own key left out: knowing it is the nodes' business alone.
	Methods []authMethod
	// Clustered: the cluster's key is among the account's methods, so that nodes can log in on its behalf.
	Clustered bool
	Role      bool
	Locked    bool
	TLS       tlsRequirement
	// Changed is when the password was set: 0 means that it has expired. Lifetime is in days; nil: the server's default.
	Changed  int64
	Lifetime *int64
	rank     hostRank
}

// authMethod is a plugin with its stored string.
type authMethod struct{ Plugin, Stored string }

// tlsRequirement is REQUIRE: none, SSL, X509, or particular properties of the certificate.
type tlsRequirement int

const (
	tlsNone      tlsRequirement = 0
	tlsAny       tlsRequirement = 1
	tlsX509      tlsRequirement = 2
	tlsSpecified tlsRequirement = 3
)

// privDoc is the JSON of mysql.global_priv.Priv, as far as logging in is concerned.
type privDoc struct {
	Plugin  string `json:"plugin"`
	Stored  string `json:"authentication_string"`
	AuthOr  []priv `json:"auth_or"`
	Role    bool   `json:"is_role"`
	Locked  bool   `json:"account_locked"`
	SSL     int    `json:"ssl_type"`
	Changed *int64 `json:"password_last_changed"`
	// Lifetime is -1 for the server's default, 0 for never.
	Lifetime *int64 `json:"password_lifetime"`
}

type priv struct {
	Plugin string `json:"plugin"`
	Stored string `json:"authentication_string"`
}

const (
	pluginNative  = "mysql_native_password"
	pluginEd25519 = "ed25519"
)

// parseAccount reads a row of mysql.global_priv. clusterKey is the public half of the cluster's key as MariaDB stores it.
func parseAccount(user, host string, doc []byte, clusterKey string) (*account, error) {
	var p privDoc
	if err := json.NewDecoder(bytes.NewReader(doc)).Decode(&p); err != nil {
		return nil, err
	}
	a := &account{User: user, Host: host, Role: p.Role, Locked: p.Locked, TLS: tlsRequirement(p.SSL), rank: rankHost(host), Changed: -1}
	if p.Changed != nil {
		a.Changed = *p.Changed
	}
	if p.Lifetime != nil && *p.Lifetime >= 0 {
		a.Lifetime = p.Lifetime
	}
	first := priv{p.Plugin, p.Stored}
	if first.Plugin == "" {
		first.Plugin = pluginNative
	}
	list := p.AuthOr
	if len(list) == 0 {
		list = []priv{first}
	}
	for _, m := range list {
		if m.Plugin == "" { // {} stands for the method outside of the list
			m = first
		}
		if m.Plugin == pluginEd25519 && m.Stored == clusterKey {
			a.Clustered = true
			continue
		}
		a.Methods = append(a.Methods, authMethod(m))
	}
	return a, nil
}

// expired says whether the password's life is over.
func (a *account) expired(now time.Time, defaultLifetime int64) bool {
	if a.Changed == 0 {
		return true
	}
	days := defaultLifetime
	if a.Lifetime != nil {
		days = *a.Lifetime
	}
	return days > 0 && a.Changed > 0 && now.After(time.Unix(a.Changed, 0).AddDate(0, 0, int(days)))
}

// accountSet is all accounts at one moment, in the order in which they are tried. Immutable.
type accountSet struct {
	list            []*account
	defaultLifetime int64
}

// find is the account that MariaDB would choose for a client; nil when there is none.
func (s *accountSet) find(user string, ip netip.Addr) *account {
	for _, a := range s.list {
		if !a.Role && (a.User == "" || a.User == user) && matchHost(a.Host, ip) {
			return a
		}
	}
	return nil
}

// exact is the account of that name, case-insensitive in the host; nil when there is none.
func (s *accountSet) exact(user, host string) *account {
	for _, a := range s.list {
		if a.User == user && a.Host == host {
			return a
		}
	}
	return nil
}

// hostKnown says whether any account admits clients from an address.
func (s *accountSet) hostKnown(ip netip.Addr) bool {
	for _, a := range s.list {
		if !a.Role && matchHost(a.Host, ip) {
			return true
		}
	}
	return false
}
