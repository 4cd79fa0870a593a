package gateway

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// The order is a server's own: accounts were made for all of these patterns, and each that was chosen was dropped until none was left.
var serverOrder = []struct{ user, host string }{
	{"p", "10.0.0.1/255.255.255.255"}, {"p", "10.0.0.1/255.0.255.255"}, {"p", "10.0.0.1"}, {"p", "10.0.0.0/255.255.255.0"},
	{"p", "10.0.0.0/255.255.0.0"}, {"p", "10.0.0.0/255.0.0.0"}, {"", "10.0.0.1/255.255.255.255"}, {"", "10.0.0.1"},
	{"", "10.0.0.0/255.0.0.0"}, {"p", "_0.0.0.1"}, {"", "_0.0.0.1"}, {"p", "1_.0.0.1"}, {"", "1_.0.0.1"}, {"p", "10.0.0._"},
	{"", "10.0.0._"}, {"p", "__.0.0.1"}, {"", "__.0.0.1"}, {"p", "%10.0.0.1"}, {"", "%10.0.0.1"}, {"p", "10.0.0.1%"}, {"p", "%0.0.0.1"},
	{"p", "1%.0.0.1"}, {"p", "10.%.0.1"}, {"p", "10.0.0.%"}, {"p", "%.0.0.1"}, {"p", "10.0.%"}, {"p", "10.%.%.%"}, {"p", "1%"}, {"p", "%"},
	{"", "%"},
}

func TestAccountsAreTriedInTheServersOrder(t *testing.T) {
	var list []*account
	for _, o := range serverOrder {
		list = append(list, &account{User: o.user, Host: o.host, rank: rankHost(o.host)})
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	sortAccounts(list)
	set := &accountSet{list: list}
	for i, want := range serverOrder {
		got := set.find("p", netip.MustParseAddr("10.0.0.1"))
		if got == nil || got.User != want.user || got.Host != want.host {
			t.Fatalf("choice %d is %+v, want %+v", i, got, want)
		}
		set.list = set.list[1:]
	}
	if got := set.find("p", netip.MustParseAddr("10.0.0.1")); got != nil {
		t.Fatalf("found %+v where there is none", got)
	}
}

func TestMatchHost(t *testing.T) {
	for _, c := range []struct {
		pattern, ip string
		want        bool
	}{
		{"%", "10.0.0.1", true}, {"", "10.0.0.1", true}, {"localhost", "127.0.0.1", true}, {"localhost", "::1", true},
		{"LocalHost", "127.0.0.1", true}, {"localhost", "10.0.0.1", false}, {"10.0.0.0/255.0.0.0", "10.9.8.7", true},
		{"10.0.0.0/255.0.0.0", "11.9.8.7", false}, {"10.0.0.0/255.0.0.0", "::1", false}, {"10.0.0.1", "::ffff:10.0.0.1", true},
		{"10._.0.1", "10.10.0.1", false}, {`10\_0.0.1`, "10_0.0.1", false}, {"%.example.com", "10.0.0.1", false},
	} {
		ip, err := netip.ParseAddr(c.ip)
		if err != nil {
			continue
		}
		if got := matchHost(c.pattern, ip); got != c.want {
			t.Errorf("matchHost(%q, %s) = %v", c.pattern, c.ip, got)
		}
	}
}

const testKey = "dw/8nSuIwJKT7tzRqLg7QGhQ4ElTkGA45ywiUBvmgfI"

func TestParseAccount(t *testing.T) {
	cluster := `{"plugin":"ed25519","authentication_string":"` + testKey + `"}`
	for _, c := range []struct {
		name, doc string
		want      account
	}{
		{"old", `{"access":0}`, account{Methods: []authMethod{{pluginNative, ""}}, Changed: -1}},
		{"native first", `{"plugin":"mysql_native_password","authentication_string":"*A","password_last_changed":5,"auth_or":[{},` + cluster + `]}`,
			account{Methods: []authMethod{{pluginNative, "*A"}}, Clustered: true, Changed: 5}},
		{"cluster first", `{"plugin":"ed25519","authentication_string":"` + testKey + `","auth_or":[{},{"plugin":"ed25519","authentication_string":"B"}]}`,
			account{Methods: []authMethod{{pluginEd25519, "B"}}, Clustered: true, Changed: -1}},
		{"cluster alone", cluster, account{Clustered: true, Changed: -1}},
		{"locked", `{"plugin":"","account_locked":true,"password_last_changed":0,"ssl_type":1,"password_lifetime":-1}`,
			account{Methods: []authMethod{{pluginNative, ""}}, Locked: true, TLS: tlsAny}},
		{"role", `{"is_role":true}`, account{Methods: []authMethod{{pluginNative, ""}}, Role: true, Changed: -1}},
	} {
		a, err := parseAccount("u", "%", []byte(c.doc), testKey)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if len(a.Methods) != len(c.want.Methods) || a.Clustered != c.want.Clustered || a.Locked != c.want.Locked || a.TLS != c.want.TLS ||
			a.Role != c.want.Role || a.Changed != c.want.Changed || a.Lifetime != c.want.Lifetime {
			t.Errorf("%s: got %+v, want %+v", c.name, *a, c.want)
			continue
		}
		for i, m := range a.Methods {
			if m != c.want.Methods[i] {
				t.Errorf("%s: method %d is %v", c.name, i, m)
			}
		}
	}
	if _, err := parseAccount("u", "%", []byte(`[`), testKey); err == nil {
		t.Error("a record that is no JSON was accepted")
	}
}

func TestExpired(t *testing.T) {
	now := time.Unix(100*86400, 0)
	week := int64(7)
	never := int64(0)
	for _, c := range []struct {
		changed  int64
		lifetime *int64
		def      int64
		want     bool
	}{
		{0, nil, 0, true}, {-1, nil, 7, false}, {99 * 86400, &week, 0, false}, {90 * 86400, &week, 0, true}, {1, nil, 0, false},
		{1, nil, 30, true}, {1, &never, 30, false},
	} {
		a := account{Changed: c.changed, Lifetime: c.lifetime}
		if got := a.expired(now, c.def); got != c.want {
			t.Errorf("changed %d, default %d: %v", c.changed, c.def, got)
		}
	}
}

func TestWithoutClusterKey(t *testing.T) {
	k := "ed25519 USING '" + testKey + "'"
	for in, want := range map[string]string{
		"GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED VIA mysql_native_password USING '*AB' OR " + k + " REQUIRE SSL": "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*AB' REQUIRE SSL",
		"CREATE USER `a`@`%` IDENTIFIED VIA mysql_native_password OR " + k:                                        "CREATE USER `a`@`%`",
		"CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'B' OR " + k:                                            "CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'B'",
		"CREATE USER `a`@`%` IDENTIFIED VIA " + k + " OR ed25519 USING 'B'":                                       "CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'B'",
		"CREATE USER `a`@`%` IDENTIFIED VIA mysql_native_password USING '*AB' OR unix_socket OR " + k:             "CREATE USER `a`@`%` IDENTIFIED VIA mysql_native_password USING '*AB' OR unix_socket",
		"GRANT SELECT ON `d`.* TO `a`@`%`":                                                                        "GRANT SELECT ON `d`.* TO `a`@`%`",
	} {
		if got := string(withoutClusterKey([]byte(in), testKey)); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}
