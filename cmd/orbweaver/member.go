package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/orbweaver/orbweaver/internal/catalog"
)

// memberCommandName is what `up` runs the members of its etcd by.
const memberCommandName = "etcd-member"

// memberCommand runs a member of an etcd, as package localetcd asks for it.
func memberCommand() *cobra.Command {
	var conf catalog.MemberConfig
	var level string
	c := &cobra.Command{
		Use:    memberCommandName,
		Short:  "Run a member of the etcd of `orbweaver up`, in its directory",
		Hidden: true,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if conf.Log, err = logger(level); err != nil {
				return err
			}
			return runMember(c.Context(), conf)
		},
	}
	f := c.Flags()
	f.IntVar(&conf.Number, "number", 1, "the member's number")
	f.StringVar(&conf.Client, "client", "", "`PATH` of the socket for clients")
	f.IntSliceVar(&conf.Join, "join", nil, "members of the cluster that it joins")
	f.DurationVar(&conf.Heartbeat, "heartbeat", 50*time.Millisecond, "of a leader")
	f.StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	return c
}

func runMember(ctx context.Context, conf catalog.MemberConfig) error {
	conf.Dir = "."
	etcd, err := catalog.StartMember(ctx, conf)
	if errors.Is(err, catalog.ErrNoMember) {
		return removed(ctx, conf)
	}
	if err != nil {
		return err
	}
	fmt.Println("ready")
	select {
	case err = <-etcd.Err():
		return err
	case <-etcd.Done():
		return removed(ctx, conf)
	case <-ctx.Done():
		// It is not closed, which takes seconds when the others end, too: what it has said to be done is on disk.
		return nil
	}
}

// removed waits for the supervisor, which has removed the member, or is about to find out that an earlier one has. Started again, it would be of no more use.
func removed(ctx context.Context, conf catalog.MemberConfig) error {
	conf.Log.Info("this member of the etcd has been removed", "number", conf.Number)
	<-ctx.Done()
	return nil
}
