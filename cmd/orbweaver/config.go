package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/orbweaver/orbweaver/internal/catalog"
)

// serveConfig is the configuration of a node. The names in the file are the names of the flags with _ for -.
type serveConfig struct {
	Name             string       `koanf:"name"`
	Listen           string       `koanf:"listen"`
	HTTP             string       `koanf:"http"`
	Etcd             []string     `koanf:"etcd"`
	EtcdPrefix       string       `koanf:"etcd_prefix"`
	EtcdCA           string       `koanf:"etcd_ca"`
	EtcdCert         string       `koanf:"etcd_cert"`
	EtcdKey          string       `koanf:"etcd_key"`
	EtcdUser         string       `koanf:"etcd_user"`
	EtcdPasswordFile string       `koanf:"etcd_password_file"`
	TLSCert          string       `koanf:"tls_cert"`
	TLSKey           string       `koanf:"tls_key"`
	TLSClientCA      string       `koanf:"tls_client_ca"`
	LeafCA           string       `koanf:"leaf_ca"`
	LeafCert         string       `koanf:"leaf_cert"`
	LeafKey          string       `koanf:"leaf_key"`
	LeafTLS          string       `koanf:"leaf_tls"`
	ClusterKeyFile   string       `koanf:"cluster_key_file"`
	MaxConnections   int          `koanf:"max_connections"`
	MaxAllowedPacket int          `koanf:"max_allowed_packet"`
	LogLevel         string       `koanf:"log_level"`
	DataDir          string       `koanf:"data_dir"`
	Leaves           []leafConfig `koanf:"leaves"`
}

// leafConfig is a leaf of a cluster that has none yet.
type leafConfig struct {
	Name     string `koanf:"name"`
	Host     string `koanf:"host"`
	Port     int    `koanf:"port"`
	Group    int    `koanf:"group"`
	ServerID uint32 `koanf:"server_id"`
}

// loadServe reads the file, then the flags that were given, then the defaults of the others.
func loadServe(file string, flags *pflag.FlagSet) (*serveConfig, error) {
	k := koanf.New("\x00") // no key contains it: keys with dots are unknown keys, not paths
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--config: %w", err)}
		}
		if err := k.Load(rawbytes.Provider(text), yaml.Parser()); err != nil {
			return nil, usage("%s: %w", file, err)
		}
		if err := checkKeys(k.Raw()); err != nil {
			return nil, usage("%s: %w", file, err)
		}
	}
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		key := strings.ReplaceAll(f.Name, "-", "_")
		if f.Name == "config" || f.Name == "help" || !f.Changed && k.Exists(key) {
			return
		}
		var v any = f.Value.String()
		switch f.Value.Type() {
		case "stringSlice":
			v, _ = flags.GetStringSlice(f.Name) // of this type: it can't fail
		case "int":
			v, _ = flags.GetInt(f.Name)
		}
		err = errors.Join(err, k.Set(key, v))
	})
	if err != nil {
		return nil, err
	}
	c := &serveConfig{}
	err = k.UnmarshalWithConf("", c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: c, TagName: "koanf", ErrorUnused: true,
		// Names are what is written: Name is not name.
		MatchName: func(key, field string) bool { return key == field },
	}})
	if err != nil {
		return nil, usage("%s: %w", file, err)
	}
	if c.Name == "" {
		if c.Name, err = os.Hostname(); err != nil {
			return nil, usage("the machine has no name, give one by --name: %w", err)
		}
	}
	return c, c.validate()
}

func (c *serveConfig) validate() error {
	if len(c.Etcd) == 0 {
		return usage("--etcd is missing: the URLs of the etcd that holds the cluster's topology")
	}
	for _, e := range c.Etcd {
		u, err := url.Parse(e)
		if err != nil || u.Host == "" && u.Path == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "unix" {
			return usage("--etcd %q: must be http://HOST:PORT, https://HOST:PORT or unix:///PATH", e)
		}
	}
	if err := checkAddress("--listen", c.Listen); err != nil {
		return err
	}
	if err := checkAddress("--http", c.HTTP); err != nil {
		return err
	}
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return usage("--tls-cert and --tls-key go together")
	case (c.EtcdCert == "") != (c.EtcdKey == ""):
		return usage("etcd_cert and etcd_key go together")
	case (c.LeafCert == "") != (c.LeafKey == ""):
		return usage("--leaf-cert and --leaf-key go together")
	case c.LeafCert != "" && c.LeafCA == "":
		return usage("--leaf-cert needs --leaf-ca: the certificates that leaves are known by")
	case c.TLSClientCA != "" && c.TLSCert == "":
		return usage("--tls-client-ca needs --tls-cert and --tls-key")
	case c.LeafTLS != leafTLSAlways && c.LeafTLS != leafTLSRequired:
		return usage("--leaf-tls %q: must be %s or %s", c.LeafTLS, leafTLSAlways, leafTLSRequired)
	case c.MaxConnections < 1:
		return usage("--max-connections %d: must be at least 1", c.MaxConnections)
	case c.MaxAllowedPacket < 1024 || c.MaxAllowedPacket > 1<<30:
		return usage("--max-allowed-packet %d: must be between 1024 and %d", c.MaxAllowedPacket, 1<<30)
	}
	names := map[string]bool{}
	for i, l := range c.Leaves {
		switch {
		case l.Name == "" || names[l.Name]:
			return usage("leaves: number %d needs a name of its own", i+1)
		case l.Host == "" || l.Port < 1 || l.Port > 65535:
			return usage("leaves: %s needs a host and a port", l.Name)
		case l.Group != 1 && l.Group != 2:
			return usage("leaves: %s needs a group, 1 or 2", l.Name)
		}
		names[l.Name] = true
	}
	return nil
}

// catalog is what the configuration says about etcd.
func (c *serveConfig) catalog(log *slog.Logger) (catalog.Config, error) {
	cc := catalog.Config{Endpoints: c.Etcd, Prefix: c.EtcdPrefix, Username: c.EtcdUser, Log: log}
	if c.EtcdPasswordFile != "" {
		p, err := readSecret(c.EtcdPasswordFile)
		if err != nil {
			return cc, fmt.Errorf("etcd_password_file: %w", err)
		}
		cc.Password = p
	}
	if c.EtcdCA == "" && c.EtcdCert == "" {
		return cc, nil
	}
	t, err := trusting("etcd", c.EtcdCA, c.EtcdCert, c.EtcdKey)
	cc.TLS = t
	return cc, err
}

// Values of leaf_tls.
const (
	leafTLSAlways   = "always"
	leafTLSRequired = "required"
)

// toClients is the TLS that clients are offered, nil for none.
func (c *serveConfig) toClients() (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	t := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if c.TLSClientCA != "" {
		if t.ClientCAs, err = readCertificates("tls_client_ca", c.TLSClientCA); err != nil {
			return nil, err
		}
		t.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return t, nil
}

// toLeaves is the TLS towards leaves, nil for none.
func (c *serveConfig) toLeaves() (*tls.Config, error) {
	if c.LeafCA == "" {
		return nil, nil
	}
	return trusting("leaf", c.LeafCA, c.LeafCert, c.LeafKey)
}

// trusting is TLS towards servers of one kind: the certificates that they are known by, and the one to be shown to them, both from files that
// may be absent.
func trusting(kind, ca, cert, key string) (t *tls.Config, err error) {
	t = &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		if t.RootCAs, err = readCertificates(kind+"_ca", ca); err != nil {
			return nil, err
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("%s_cert: %w", kind, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

func readCertificates(setting, file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usage("%s: %s holds no certificate", setting, file)
	}
	return pool, nil
}

// checkKeys names the first setting that does not exist.
func checkKeys(file map[string]any) error {
	known := map[string]bool{}
	for f := range reflect.TypeFor[serveConfig]().Fields() {
		known[f.Tag.Get("koanf")] = true
	}
	for _, key := range slices.Sorted(maps.Keys(file)) {
		if !known[key] {
			return fmt.Errorf("unknown setting %q", key)
		}
	}
	return nil
}

// checkAddress says whether an address is HOST:PORT.
func checkAddress(what, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return usage("%s %q: must be HOST:PORT", what, addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return usage("%s %q: %q is not a port", what, addr, port)
	}
	return nil
}
