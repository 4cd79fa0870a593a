package farmtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificates are an authority of a test's own and what it has signed: one certificate for servers on 127.0.0.1 and localhost, one for clients.
type Certificates struct {
	CA             *x509.CertPool
	Server, Client tls.Certificate
	// The same as PEM, in files that any server can read.
	CAFile, ServerFile, ServerKeyFile, ClientFile, ClientKeyFile string
}

// Certify makes certificates for one test.
func Certify(t testing.TB) *Certificates {
	t.Helper()
	dir, err := os.MkdirTemp("", "orbweaver-certs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &Certificates{CA: x509.NewCertPool()}
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	var serial int64
	caKey := newKey()
	sign := func(tmpl, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
		serial++
		tmpl.SerialNumber, tmpl.NotBefore, tmpl.NotAfter = big.NewInt(serial), time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, caKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	root := &x509.Certificate{Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	ca := sign(root, root, caKey)
	c.CA.AddCert(ca)
	c.CAFile = write("ca.pem", "CERTIFICATE", ca.Raw)
	pair := func(name string, usage x509.ExtKeyUsage) (tls.Certificate, string, string) {
		key := newKey()
		cert := sign(&x509.Certificate{
			Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
			DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		}, ca, key)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert},
			write(name+".pem", "CERTIFICATE", cert.Raw), write(name+"-key.pem", "PRIVATE KEY", der)
	}
	c.Server, c.ServerFile, c.ServerKeyFile = pair("server", x509.ExtKeyUsageServerAuth)
	c.Client, c.ClientFile, c.ClientKeyFile = pair("client", x509.ExtKeyUsageClientAuth)
	return c
}

// LeafOptions give leaves the server's certificate, and the authority to check clients by.
func (c *Certificates) LeafOptions() []string {
	return []string{"ssl_ca=" + c.CAFile, "ssl_cert=" + c.ServerFile, "ssl_key=" + c.ServerKeyFile}
}

// ToLeaves is a node's TLS towards such leaves, with the client's certificate or without.
func (c *Certificates) ToLeaves(shown bool) *tls.Config {
	t := &tls.Config{RootCAs: c.CA, MinVersion: tls.VersionTLS12}
	if shown {
		t.Certificates = []tls.Certificate{c.Client}
	}
	return t
}
