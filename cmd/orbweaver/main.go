package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// usageError is a mistake of the caller's: it ends the program with status 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once; the servers end with it.
	context.AfterFunc(ctx, stop)

	err := root().ExecuteContext(ctx)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) { // stopped while it started
		return 0
	}
	fmt.Fprintln(os.Stderr, "orbweaver:", err)
	var bad *usageError
	if errors.As(err, &bad) {
		return 2
	}
	return 1
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:           "orbweaver",
		Short:         "A farm of MariaDB servers that answers as one",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command %q (see %s --help)", args[0], c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w (see %s --help)", err, c.CommandPath())
	})
	c.AddCommand(upCommand(), serveCommand(), memberCommand())
	for _, sub := range c.Commands() {
		sub.Args = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("%s takes no arguments, got %q (see %s --help)", c.CommandPath(), args[0], c.CommandPath())
			}
			return nil
		}
	}
	return c
}

// logger writes what is of a level or worse to standard error.
func logger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("--log-level %q: must be debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}
