package order

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// ErrSealed is the error for a secret that does not open: sealed with another cluster's password, for something else, or changed.
var ErrSealed = errors.New("the secret can't be opened: it was sealed by another cluster or for another server")

// A Sealer encrypts secrets that lie in the catalog on their way to the controller (AES-256-GCM). Its key comes from the cluster's password, which
// nodes have and the catalog's readers need not.
type Sealer struct{ aead cipher.AEAD }

// NewSealer derives the key from the cluster's password.
func NewSealer(password string) (*Sealer, error) {
	key, err := hkdf.Key(sha256.New, []byte(password), nil, "orbweaver command secrets v1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Sealer{aead}, nil
}

// Seal encrypts a secret, to be opened for the same purpose only. An empty one stays empty.
func (s *Sealer) Seal(secret, purpose string) []byte {
	if secret == "" {
		return nil
	}
	return s.aead.Seal(nil, nil, []byte(secret), []byte(purpose))
}

// Open decrypts what Seal made.
func (s *Sealer) Open(sealed []byte, purpose string) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	plain, err := s.aead.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return "", ErrSealed
	}
	return string(plain), nil
}
