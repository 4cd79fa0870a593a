package move

import (
	"context"
	"errors"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// A copy whose database is dropped when it has begun, and made anew with a partition of the name at the target, leaves that alone.
func TestCopyOfADroppedPartitionLeavesItsNameAlone(t *testing.T) {
	farm := farmtest.Shared(t, 2)
	c := copier(t, farm)
	a, b := farm.Leaves()[0], farm.Leaves()[1]
	if err := c.Servers.Serve(t.Context(), a.Name, "gone_0", 731, 1); err != nil {
		t.Fatal(err)
	}
	w := session(t, c, a.Name, "gone_0", 731)
	query(t, w, "CREATE DATABASE gone_0", "CREATE TABLE gone_0.t (id INT PRIMARY KEY)")
	t.Cleanup(func() {
		for _, l := range farm.Leaves() {
			_ = c.Servers.Drop(context.Background(), l.Name, "gone_0")
		}
	})
	dropped := errors.New("dropped")
	times := 0
	_, err := c.Copy(t.Context(), Spec{Schema: "gone_0", Domain: 731, From: a.Name, To: b.Name, Still: func(_ context.Context, f func() error) error {
		if times++; times == 1 { // the snapshot
			return f()
		}
		if times == 2 {
			if err := c.Servers.Serve(t.Context(), b.Name, "gone_0", 732, 1); err != nil {
				t.Error(err)
			}
			other := session(t, c, b.Name, "gone_0", 732)
			query(t, other, "CREATE DATABASE gone_0", "CREATE TABLE gone_0.another (id INT PRIMARY KEY)")
		}
		return dropped
	}})
	if !errors.Is(err, dropped) {
		t.Errorf("the copy ended with %v", err)
	}
	query(t, session(t, c, b.Name, "gone_0", 732), "SELECT * FROM gone_0.another")
}
