package catalog

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func nodesNamed(t *testing.T, c *Catalog, names ...string) []NodeInfo {
	t.Helper()
	ctx := within(t, time.Minute)
	for {
		changed := c.BoardChanged()
		var found []NodeInfo
		for _, n := range c.Nodes() {
			for _, name := range names {
				if n.Name == name {
					found = append(found, n)
				}
			}
		}
		if len(found) == len(names) {
			return found
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("nodes %v are not all of %v", found, names)
		}
	}
}

func TestAskAndAnswer(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb, cc := open(t, e), open(t, e), open(t, e)
	a, b, c := register(t, ca, "a"), register(t, cb, "b"), register(t, cc, "c")
	ctx, cancel := context.WithCancel(within(t, time.Minute))
	defer cancel()
	var calls atomic.Int32
	held := make(chan struct{})
	answering := make(chan struct{}, 2)
	large := bytes.Repeat([]byte{0xff}, MostAnswer)
	for i, n := range []*Node{b, c} {
		go func() {
			n.Answer(ctx, func(ctx context.Context, topic string, doc []byte) []byte {
				calls.Add(1)
				switch topic {
				case "large":
					return large
				case "never":
					<-held
					return nil
				}
				return append([]byte{"bc"[i], ' '}, doc...)
			})
			answering <- struct{}{}
		}()
	}
	both := nodesNamed(t, ca, "b", "c")
	got, err := a.Ask(ctx, "x", []byte("hello"), both...)
	if err != nil || len(got) != 2 || string(got[b.ID()]) != "b hello" || string(got[c.ID()]) != "c hello" {
		t.Errorf("%d answers, %v", len(got), err)
	}
	if got, err = a.Ask(ctx, "x", []byte("you"), nodesNamed(t, ca, "c")...); err != nil || len(got) != 1 || string(got[c.ID()]) != "c you" {
		t.Errorf("%d answers, %v", len(got), err)
	}
	if n := calls.Load(); n != 3 {
		t.Errorf("%d calls, want 3: once for each question and node", n)
	}
	if got, err = a.Ask(ctx, "large", nil, both...); err != nil || !bytes.Equal(got[b.ID()], large) {
		t.Errorf("%d bytes, %v", len(got[b.ID()]), err)
	}

	// One that does not answer in time, and one that dies meanwhile.
	short, stop := context.WithCancel(ctx)
	go func() {
		defer stop()
		for calls.Load() < 7 && ctx.Err() == nil { // both have been asked
			time.Sleep(time.Millisecond)
		}
	}()
	if got, err = a.Ask(short, "never", nil, both...); len(got) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d answers, %v", len(got), err)
	}
	died := make(chan error, 1)
	go func() {
		got, err := a.Ask(ctx, "never", nil, nodesNamed(t, ca, "c")...)
		if len(got) > 0 {
			err = errors.New("a node that never answers has")
		}
		died <- err
	}()
	for calls.Load() < 8 && ctx.Err() == nil { // 3, and twice 2 of both, and that one
		time.Sleep(time.Millisecond)
	}
	if err := c.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-died; err != nil {
		t.Errorf("asking a node that dies: %v", err)
	}
	// A process that has taken its name over is not meant.
	_ = register(t, cc, "c")
	if got, err = a.Ask(ctx, "x", nil, both[1]); err != nil || len(got) != 0 {
		t.Errorf("the next process of the name answers (%d), %v", len(got), err)
	}
	close(held)
	cancel()
	<-answering
	<-answering
	resp, err := ca.client.Get(within(t, time.Minute), ca.key(dirReport), clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range resp.Kvs {
		if k := string(kv.Key); bytes.Contains(kv.Key, []byte("/ask/")) || bytes.Contains(kv.Key, []byte("/answer/")) {
			t.Errorf("%s is left", k)
		}
	}
}

func TestAskWithoutLease(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	a := register(t, open(t, e), "a")
	ctx := within(t, time.Minute)
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ask(ctx, "x", nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a node without a lease asks: %v", err)
	}
}
