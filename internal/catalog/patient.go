package catalog

import (
	"context"
	"errors"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// attempt is how long an answer is waited for before a request that may be repeated is repeated: one that a dying leader has taken with it is answered only after
	// more than five seconds.
	attempt = time.Second
	// patience is for how long requests are repeated: longer than an etcd of three takes to go on without one of them.
	patience = 8 * time.Second
	// again is how often what could not be done yet is tried again.
	again = 50 * time.Millisecond
)

// repeat runs a request, which must be one that may be repeated, until it is answered, etcd refuses it, ctx ends, or patience does.
func repeat(ctx context.Context, request func(ctx context.Context) error) error {
	began := time.Now()
	for {
		short, cancel := context.WithTimeout(ctx, attempt)
		err := request(short)
		cancel()
		switch {
		case err == nil, ctx.Err() != nil, time.Since(began) > patience:
			return err
		case certainlyNot(err) && !errors.Is(err, clientv3.ErrNoAvailableEndpoints):
			return err
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return err
		}
	}
}

// get reads one key, or those that an option says.
func (c *Catalog) get(ctx context.Context, key string, opts ...clientv3.OpOption) (resp *clientv3.GetResponse, err error) {
	err = repeat(ctx, func(ctx context.Context) error {
		resp, err = c.client.Get(ctx, key, opts...)
		return err
	})
	return resp, err
}
