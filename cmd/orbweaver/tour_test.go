package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestTour runs the tours, which check every statement's result themselves.
func TestTour(t *testing.T) {
	t.Run("ha", func(t *testing.T) { tour(t, "ha-tour.sh") })
	t.Run("spider", func(t *testing.T) { tour(t, "spider-tour.sh") })
}

func tour(t *testing.T, script string) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join("..", "..", "examples", script))
	cmd.Env = append(os.Environ(), "ORBWEAVER="+program)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends what it has started
	cmd.WaitDelay = 30 * time.Second
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v after %v:\n%s", err, time.Since(began).Round(time.Second), out)
	}
	t.Logf("it took %v", time.Since(began).Round(time.Second))
}
