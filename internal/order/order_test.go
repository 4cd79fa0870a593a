package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

func TestSealer(t *testing.T) {
	a, err := NewSealer("the cluster's password")
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSealer("another cluster's")
	if err != nil {
		t.Fatal(err)
	}
	l := Leaf{Host: "leaf-9", Port: 3306, User: "root"}
	l.Secret = a.Seal("s3cret", l.Context())
	doc, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(doc, []byte("s3cret")) || bytes.Equal(l.Secret, a.Seal("s3cret", l.Context())) {
		t.Errorf("the document shows the secret, or that two are the same: %s", doc)
	}
	back, err := Read[Leaf](doc)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Open(back.Secret, back.Context()); err != nil || got != "s3cret" {
		t.Error(got, err)
	}
	if _, err := b.Open(back.Secret, back.Context()); !errors.Is(err, ErrSealed) {
		t.Error("opened by another cluster:", err)
	}
	back.Host = "evil"
	if _, err := a.Open(back.Secret, back.Context()); !errors.Is(err, ErrSealed) {
		t.Error("opened for another server:", err)
	}
	back.Secret[0] ^= 1
	if _, err := a.Open(back.Secret, l.Context()); !errors.Is(err, ErrSealed) {
		t.Error("opened though changed:", err)
	}
	if got, err := a.Open(a.Seal("", "x"), "x"); err != nil || got != "" {
		t.Error(got, err)
	}
}

func TestReadNothing(t *testing.T) {
	if d, err := Read[Database](nil); err != nil || d != (Database{}) {
		t.Error(d, err)
	}
	if _, err := Read[Partition](json.RawMessage(`{"ordinal":"x"}`)); err == nil {
		t.Error("a text was read as a number")
	}
}
