package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// MemberConfig says which member of an etcd on this machine to run. The members are numbered from 1; the first may have been an Embedded before.
type MemberConfig struct {
	// Dir is what the members share. It must be the process's working directory: they reach each other by sockets there, with names that do not depend on where
	// it is.
	Dir    string
	Number int
	Client string // the path of the socket for clients
	// Join are the members of the cluster that a new member joins, itself among them. Empty: it stands alone at first. A member that has data knows better.
	Join []int
	// Heartbeat is how often a leader tells that it lives; after ten that were missed another one is elected. 50 ms when 0.
	Heartbeat time.Duration
	Throwaway bool         // does not wait for the disk: for tests
	Log       *slog.Logger // slog.Default() when nil
}

// StartMember starts a member and returns when it answers, which takes most of the members; or fails when ctx ends before. ErrNoMember: the others have removed it.
func StartMember(ctx context.Context, cfg MemberConfig) (*Embedded, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 50 * time.Millisecond
	}
	client, peer := url.URL{Scheme: "unix", Path: cfg.Client}, peerURL(cfg.Number)
	ec := embed.NewConfig()
	ec.Name, ec.Dir = memberName(cfg.Number), memberDir(cfg.Dir, cfg.Number)
	ec.ListenPeerUrls, ec.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	ec.ListenClientUrls, ec.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	ec.InitialCluster = ec.InitialClusterFromName(ec.Name)
	if len(cfg.Join) > 0 {
		all := make([]string, len(cfg.Join))
		for i, n := range cfg.Join {
			u := peerURL(n)
			all[i] = memberName(n) + "=" + u.String()
		}
		ec.InitialCluster, ec.ClusterState = strings.Join(all, ","), embed.ClusterStateFlagExisting
	}
	ec.TickMs = uint(cfg.Heartbeat / time.Millisecond)
	ec.ElectionMs = 10 * ec.TickMs
	ec.StrictReconfigCheck = false // it has a new member wait for 5 s until the next one may come
	ec.UnsafeNoFsync = cfg.Throwaway
	e := &Embedded{endpoint: client.String()}
	if err := e.start(ctx, ec, cfg.Log); err != nil {
		return nil, err
	}
	return e, nil
}

// memberName is a member's name; the first one's is that of an Embedded.
func memberName(n int) string {
	if n == 1 {
		return "orbweaver"
	}
	return "member-" + strconv.Itoa(n)
}

func memberDir(dir string, n int) string {
	if n == 1 {
		return filepath.Join(dir, "data")
	}
	return filepath.Join(dir, "data-"+strconv.Itoa(n))
}

// peerURL names a socket in the working directory. For any other host than this one, http_proxy would count.
func peerURL(n int) url.URL { return url.URL{Scheme: "unix", Host: "localhost:" + strconv.Itoa(n)} }

// MemberHasData says whether a member has ever run.
func MemberHasData(dir string, n int) bool {
	logs, _ := filepath.Glob(filepath.Join(memberDir(dir, n), "member", "wal", "*.wal")) // the pattern is a good one
	return len(logs) > 0
}

// RemoveMemberData forgets a member that does not run, and that the others have removed.
func RemoveMemberData(dir string, n int) error { return os.RemoveAll(memberDir(dir, n)) }

// Members changes which members an etcd on this machine has.
type Members struct {
	client *clientv3.Client
	known  map[int]member
}

type member struct {
	id      uint64
	learner bool
	peer    string
	client  string // "" before it has started
}

// OpenMembers connects to the members that may run.
func OpenMembers(endpoints []string) (*Members, error) {
	c, err := memberClient(endpoints)
	if err != nil {
		return nil, err
	}
	return &Members{client: c}, nil
}

func memberClient(endpoints []string) (*clientv3.Client, error) {
	c, err := clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop(), DialOptions: dialOptions})
	if err != nil {
		return nil, fmt.Errorf("etcd's members: %w", err)
	}
	return c, nil
}

// Close ends the connections.
func (m *Members) Close() error { return m.client.Close() }

// until tries f until it succeeds or fails for good, or ctx ends.
func (m *Members) until(ctx context.Context, what string, f func(ctx context.Context) error) error {
	for {
		short, cancel := context.WithTimeout(ctx, attempt)
		err := f(short)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return fmt.Errorf("etcd's members: %s: %w: %w", what, err, ctx.Err())
		}
	}
}

// List asks most of the members which there are, and waits until they answer. The value says whether a member has no vote yet.
func (m *Members) List(ctx context.Context) (map[int]bool, error) {
	err := m.until(ctx, "asking them", func(ctx context.Context) error {
		resp, err := m.client.MemberList(ctx)
		if err != nil {
			return err
		}
		m.known = map[int]member{}
		for _, x := range resp.Members {
			if len(x.PeerURLs) == 0 {
				continue
			}
			number := 1 // an Embedded has another URL
			if rest, ok := strings.CutPrefix(x.PeerURLs[0], "unix://localhost:"); ok {
				if number, err = strconv.Atoi(rest); err != nil {
					return fmt.Errorf("member at %s: %w", x.PeerURLs[0], err)
				}
			}
			k := member{id: x.ID, learner: x.IsLearner, peer: x.PeerURLs[0]}
			if len(x.ClientURLs) > 0 {
				k.client = x.ClientURLs[0]
			}
			m.known[number] = k
		}
		return nil
	})
	out := map[int]bool{}
	for n, k := range m.known {
		out[n] = k.learner
	}
	return out, err
}

// Add adds a member that has no vote yet, and that is to be started then. The first one's address is made one that others can find.
func (m *Members) Add(ctx context.Context, n int) error {
	if first, want := m.known[1], peerURL(1); first.id != 0 && first.peer != want.String() {
		if err := m.until(ctx, "changing an address", func(ctx context.Context) error {
			_, err := m.client.MemberUpdate(ctx, first.id, []string{want.String()})
			return err
		}); err != nil {
			return err
		}
	}
	u := peerURL(n)
	return m.until(ctx, "adding one", func(ctx context.Context) error {
		_, err := m.client.MemberAddAsLearner(ctx, []string{u.String()})
		if errors.Is(err, rpctypes.ErrPeerURLExist) { // the answer was lost
			return nil
		}
		return err
	})
}

// Promote gives a member a vote, once it has caught up. When it returns, clients may ask that member: without a vote it refuses them.
func (m *Members) Promote(ctx context.Context, n int, endpoint string) error {
	c, err := memberClient([]string{endpoint})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := m.promote(ctx, n); err != nil {
		return err
	}
	return m.until(ctx, "asking the one that has got a vote", func(ctx context.Context) error {
		_, err := c.Get(ctx, "a") // whatever it is: most of the members must agree that it is so
		return err
	})
}

func (m *Members) promote(ctx context.Context, n int) error {
	return m.until(ctx, "giving one a vote", func(ctx context.Context) error {
		_, err := m.client.MemberPromote(ctx, m.known[n].id)
		if errors.Is(err, rpctypes.ErrMemberNotLearner) {
			return nil
		}
		return err
	})
}

// Remove removes a member, which may run or not, in favour of another one: a leader that removes itself may end before the others know.
func (m *Members) Remove(ctx context.Context, n, favoured int) error {
	if err := m.until(ctx, "moving the leadership", func(ctx context.Context) error { return m.moveLeader(ctx, m.known[n].id, m.known[favoured].id) }); err != nil {
		return err
	}
	return m.until(ctx, "removing one", func(ctx context.Context) error {
		_, err := m.client.MemberRemove(ctx, m.known[n].id)
		if errors.Is(err, rpctypes.ErrMemberNotFound) {
			return nil
		}
		return err
	})
}

// moveLeader makes a member the leader if another one is.
func (m *Members) moveLeader(ctx context.Context, from, to uint64) error {
	for _, k := range m.known {
		if k.id != from || k.client == "" {
			continue
		}
		status, err := m.client.Status(ctx, k.client)
		if err != nil || status.Leader != from { // one that does not run does not lead
			return nil
		}
		c, err := memberClient([]string{k.client})
		if err != nil {
			return err
		}
		_, err = c.MoveLeader(ctx, to)
		return errors.Join(err, c.Close())
	}
	return nil
}
