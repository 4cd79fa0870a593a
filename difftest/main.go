package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "difftest:", err)
		os.Exit(1)
	}
}

func start() (err error) {
	set := settings{}
	flag.Uint64Var(&set.seed, "seed", uint64(time.Now().Unix()), "of the first episode; each further one has the next number")
	flag.IntVar(&set.statements, "statements", 100_000, "how many to make")
	flag.IntVar(&set.length, "episode", 250, "statements of an episode, which has tables of its own")
	flag.DurationVar(&set.limit, "time", 0, "after which to end; 0: none")
	flag.DurationVar(&set.patience, "shrink", shrinkTime, "how long to make each difference smaller")
	refusals := flag.String("refusals", "count", "count: error 1235 of the cluster alone is no difference; fail: it is one")
	flag.IntVar(&set.most, "most", 20, "differences after which to end")
	flag.StringVar(&set.found, "found", "data/difftest", "directory for cases of what differs")
	flag.BoolVar(&set.verbose, "v", false, "tell of each episode, and give examples")
	flag.BoolVar(&set.trace, "trace", false, "print each statement before it runs")
	flag.Parse()
	switch *refusals {
	case "count":
	case "fail":
		set.refusals = true
	default:
		return fmt.Errorf("-refusals=%s: must be count or fail", *refusals)
	}
	s, err := openServers()
	if err != nil {
		return err
	}
	defer func() {
		if e := s.Close(); err == nil {
			err = e
		}
	}()
	fmt.Printf("seed %d\n", set.seed)
	r, err := newRunner(s, set, os.Stdout)
	if err != nil {
		return err
	}
	err = r.run()
	r.report()
	if err == nil && r.differences > 0 {
		err = fmt.Errorf("%d differences", r.differences)
	}
	return err
}
