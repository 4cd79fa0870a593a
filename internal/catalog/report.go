package catalog

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// TopicRoom is where the controller tells what leaves have left of disk and memory: topo.Room by leaf, as JSON.
const TopicRoom = "room"

// Report leaves a passing value on a topic for the other nodes, in the place of the one before; nil takes it back. It ends with the node's lease.
// ErrUnavailable when there is none now.
func (n *Node) Report(ctx context.Context, topic string, value []byte) error {
	key := n.c.key(reportKey(topic, n.info.ID))
	if value == nil {
		_, err := n.c.client.Delete(ctx, key)
		return writeError(err)
	}
	n.mu.Lock()
	l := n.lease
	n.mu.Unlock()
	if l == nil {
		return fmt.Errorf("%w: the node's lease is lost", ErrUnavailable)
	}
	_, err := n.c.client.Put(ctx, key, string(value), clientv3.WithLease(l.id))
	return writeError(err)
}

// Reports are the values on a topic by the nodes' ids, this node's too. They are read from etcd: one that Report has returned for is there.
func (c *Catalog) Reports(ctx context.Context, topic string) (map[uint32][]byte, error) {
	dir := c.key(dirReport + topic + "/")
	resp, err := c.get(ctx, dir, clientv3.WithPrefix())
	if err != nil {
		return nil, readError(err)
	}
	reports := map[uint32][]byte{}
	for _, kv := range resp.Kvs {
		id, err := strconv.ParseUint(strings.TrimPrefix(string(kv.Key), dir), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("catalog: not a node's report: %w", err)
		}
		reports[uint32(id)] = kv.Value
	}
	return reports, nil
}
