package wire

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"

	"filippo.io/edwards25519"
)

const (
	scrambleSize   = 20
	ed25519Nonce   = 32
	ed25519SigSize = 64
)

// nonce fills b with random bytes that neither end a C string nor look like a separator to old clients.
func nonce(b []byte) {
	if _, err := rand.Read(b); err != nil {
		panic(err) // crypto/rand never fails
	}
	for i := range b {
		b[i] &= 0x7f
		if b[i] == 0 || b[i] == '$' {
			b[i]++
		}
	}
}

// NativeHash returns what mysql_native_password stores for a password: `*` and 40 hexadecimal digits, empty for none.
func NativeHash(password string) string {
	if password == "" {
		return ""
	}
	h := sha1.Sum([]byte(password))
	h = sha1.Sum(h[:])
	return fmt.Sprintf("*%X", h[:])
}

// nativeReply is a client's answer to a scramble.
func nativeReply(scramble []byte, password string) []byte {
	if password == "" {
		return nil
	}
	stage1 := sha1.Sum([]byte(password))
	stage2 := sha1.Sum(stage1[:])
	h := sha1.New()
	h.Write(scramble)
	h.Write(stage2[:])
	reply := h.Sum(nil)
	subtle.XORBytes(reply, reply, stage1[:])
	return reply
}

// verifyNative checks a client's answer against the stored double SHA1.
func verifyNative(stored string, scramble, reply []byte) bool {
	if stored == "" {
		return len(reply) == 0
	}
	if len(stored) != 41 || stored[0] != '*' || len(reply) != sha1.Size {
		return false
	}
	want, err := hex.DecodeString(stored[1:])
	if err != nil {
		return false
	}
	h := sha1.New()
	h.Write(scramble)
	h.Write(want)
	stage1 := h.Sum(nil)
	subtle.XORBytes(stage1, stage1, reply)
	got := sha1.Sum(stage1)
	return subtle.ConstantTimeCompare(got[:], want) == 1
}

// ed25519Keys derives the scalar, the prefix and the public key as MariaDB does: as RFC 8032 does it, only that the secret is the
// password, of any length.
func ed25519Keys(secret []byte) (s *edwards25519.Scalar, prefix, public []byte) {
	h := sha512.Sum512(secret)
	s, err := edwards25519.NewScalar().SetBytesWithClamping(h[:32])
	if err != nil {
		panic(err) // only for a wrong length
	}
	return s, h[32:], new(edwards25519.Point).ScalarBaseMult(s).Bytes()
}

// ed25519Sign signs a server's nonce with a password.
func ed25519Sign(secret, message []byte) []byte {
	s, prefix, public := ed25519Keys(secret)
	r := hashScalar(prefix, message)
	sig := new(edwards25519.Point).ScalarBaseMult(r).Bytes()
	k := hashScalar(sig, public, message)
	return append(sig, edwards25519.NewScalar().MultiplyAdd(k, s, r).Bytes()...)
}

func hashScalar(parts ...[]byte) *edwards25519.Scalar {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	s, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	if err != nil {
		panic(err) // only for a wrong length
	}
	return s
}

// Ed25519Public returns the public key that belongs to a password, as MariaDB's ed25519 plugin stores it and its function
// ed25519_password() computes it.
func Ed25519Public(password string) string {
	_, _, public := ed25519Keys([]byte(password))
	return base64.RawStdEncoding.EncodeToString(public)
}

// verifyEd25519 checks a client's signature of message against the stored public key.
func verifyEd25519(stored string, message, sig []byte) bool {
	public, err := base64.RawStdEncoding.DecodeString(stored)
	if err != nil || len(public) != ed25519.PublicKeySize || len(sig) != ed25519SigSize {
		return false
	}
	return ed25519.Verify(public, message, sig)
}

// sha2Reply is a client's first answer to caching_sha2_password.
func sha2Reply(scramble []byte, password string) []byte {
	if password == "" {
		return nil
	}
	h1 := sha256.Sum256([]byte(password))
	h2 := sha256.Sum256(h1[:])
	h := sha256.New()
	h.Write(h2[:])
	h.Write(scramble)
	reply := h.Sum(nil)
	subtle.XORBytes(reply, reply, h1[:])
	return reply
}

// sha2Encrypt hides a password for the server that sent its public key.
func sha2Encrypt(scramble []byte, password string, keyPEM []byte) ([]byte, error) {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, fmt.Errorf("caching_sha2_password: server sent no public key: %w", ErrMalformed)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("caching_sha2_password: server's public key: %w", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("caching_sha2_password: server's public key is not RSA: %w", ErrMalformed)
	}
	plain := append([]byte(password), 0)
	for i := range plain {
		plain[i] ^= scramble[i%len(scramble)]
	}
	return rsa.EncryptOAEP(sha1.New(), rand.Reader, key, plain, nil)
}
