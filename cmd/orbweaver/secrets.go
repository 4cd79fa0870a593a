package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
)

// clusterKeySecret is the name under which the catalog keeps the password that nodes log in with at leaves.
const clusterKeySecret = "cluster-key"

// The files of a cluster that lives on this machine.
const (
	localClusterKey = "cluster.key"
	localCert       = "tls.crt"
	localCertKey    = "tls.key"
	localLeafCert   = "leaf-tls.crt"
	localLeafKey    = "leaf-tls.key"
)

// newKey is a password that nobody has to type.
func newKey() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// localKey finds or makes the key of a cluster that lives on this machine. File and catalog both keep it; either may be lost.
func localKey(ctx context.Context, cat *catalog.Catalog, file string) (string, error) {
	key, err := readSecret(file)
	missing := errors.Is(err, fs.ErrNotExist)
	if missing {
		key, err = newKey(), nil
	}
	if err != nil {
		return "", err
	}
	stored, err := cat.SecretOnce(ctx, clusterKeySecret, key)
	switch {
	case err != nil:
		return "", err
	case missing:
		return stored, write(file, stored+"\n", 0o600)
	case stored != key:
		return "", fmt.Errorf("%s is not the key that this cluster was made with: put the right one back, or remove it", file)
	}
	return key, nil
}

// clusterKey reads the key of a cluster that others made.
func clusterKey(ctx context.Context, cat *catalog.Catalog, file string) (string, error) {
	if file != "" {
		key, err := readSecret(file)
		if err != nil {
			return "", fmt.Errorf("--cluster-key-file: %w", err)
		}
		return key, nil
	}
	key, ok, err := cat.Secret(ctx, clusterKeySecret)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", usage("the catalog holds no cluster key: give the one that the leaves know by --cluster-key-file")
	}
	return key, nil
}

// readSecret reads a file of one line. A secret that others can read is refused.
func readSecret(file string) (string, error) {
	st, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others than its owner: chmod 600 %s", file, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(text), "\r\n")
	if s == "" || strings.ContainsAny(s, "\r\n\x00") {
		return "", fmt.Errorf("%s does not hold one line of text", file)
	}
	return s, nil
}

// write makes a file, whole or not at all.
func write(file, text string, mode fs.FileMode) error {
	tmp := file + ".new"
	if err := os.WriteFile(tmp, []byte(text), mode); err != nil {
		return err
	}
	if err := os.Chmod(tmp, mode); err != nil { // it may have been left there by another start
		return err
	}
	return os.Rename(tmp, file)
}

// localCertificate finds or makes a self-signed certificate for a cluster that lives on this machine. One that is about to expire is
// made anew.
func localCertificate(certFile, keyFile string, now time.Time) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && now.AddDate(0, 1, 0).After(pair.Leaf.NotAfter):
		if err := selfSign(certFile, keyFile, now); err != nil {
			return nil, fmt.Errorf("making a certificate: %w", err)
		}
		pair, err = tls.LoadX509KeyPair(certFile, keyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", certFile, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

func selfSign(certFile, keyFile string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "orbweaver"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, // so that clients can be told to trust it
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	// The certificate comes last: without it both are made again.
	if err := write(keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})), 0o600); err != nil {
		return err
	}
	return write(certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o644)
}
