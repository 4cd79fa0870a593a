package localfarm

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// indexOfLinks is where MariaDB keeps the names of its replication connections, one a line.
const indexOfLinks = "multi-master.info"

var (
	masterInfo = regexp.MustCompile(`^master(|-[^.]+)\.info$`)
	relayInfo  = regexp.MustCompile(`^relay-log(|-[^.]+)\.info$`)
	relayLog   = regexp.MustCompile(`^relay(|-[^.]+)\.(index|\d+)$`)
)

// linkFiles are the files of one replication connection.
type linkFiles struct {
	master, relay string   // names in the data directory, "" where there is none
	logs          []string // relay logs and their index
}

// dropBrokenLinks removes replication connections whose files were cut off, from a data directory that no server uses, and names them. With such a file MariaDB
// aborts at every start, or, with a cut-off end of the list of domains, replicates all domains. The position is in a table, so that nothing but relay logs is lost,
// and whoever made the connection makes it again.
func dropBrokenLinks(data string, owner identity) (dropped []string, err error) {
	links, err := readLinks(data)
	if err != nil {
		return nil, err
	}
	names, err := os.ReadFile(filepath.Join(data, indexOfLinks))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var keep bytes.Buffer
	bad := map[string]bool{}
	for suffix, l := range links {
		if whole, err := l.whole(data); err != nil {
			return nil, err
		} else if !whole {
			bad[suffix] = true
		}
	}
	for line := range strings.Lines(string(names)) {
		name := strings.TrimSuffix(line, "\n")
		suffix, ok := linkSuffix(name)
		if ok && links[suffix].master == "" {
			bad[suffix] = true
		}
		if !ok || !bad[suffix] {
			keep.WriteString(line)
		}
	}
	if len(bad) == 0 {
		return nil, nil
	}
	// The index comes first: without the files a name in it is a connection to nowhere.
	if keep.Len() < len(names) {
		path := filepath.Join(data, indexOfLinks)
		if err := os.WriteFile(path+".new", keep.Bytes(), 0o660); err != nil {
			return nil, err
		}
		if err := errors.Join(own(path+".new", owner), os.Rename(path+".new", path)); err != nil {
			return nil, err
		}
	}
	for suffix := range bad {
		l := links[suffix]
		for _, f := range append(l.logs, l.relay, l.master) {
			if f == "" {
				continue
			}
			if err := os.Remove(filepath.Join(data, f)); err != nil {
				return nil, err
			}
		}
		dropped = append(dropped, strings.TrimPrefix(suffix, "-"))
	}
	slices.Sort(dropped)
	return dropped, nil
}

// readLinks finds the files of replication connections, by what their names have of the connection's: "" or "-" and its name as MariaDB writes it in files.
func readLinks(data string) (map[string]linkFiles, error) {
	entries, err := os.ReadDir(data)
	if err != nil {
		return nil, err
	}
	links := map[string]linkFiles{}
	for _, e := range entries {
		name := e.Name()
		if m := masterInfo.FindStringSubmatch(name); m != nil {
			l := links[m[1]]
			l.master = name
			links[m[1]] = l
		} else if m := relayInfo.FindStringSubmatch(name); m != nil {
			l := links[m[1]]
			l.relay = name
			links[m[1]] = l
		} else if m := relayLog.FindStringSubmatch(name); m != nil {
			l := links[m[1]]
			l.logs = append(l.logs, name)
			links[m[1]] = l
		}
	}
	return links, nil
}

// whole says whether MariaDB can go on with what is there. A connection without a relay log's position begins a new relay log.
func (l linkFiles) whole(data string) (bool, error) {
	if l.master == "" {
		return false, nil
	}
	text, err := os.ReadFile(filepath.Join(data, l.master))
	if err != nil {
		return false, err
	}
	// Domains stand behind the lines that are counted. The first mark ends them: what follows it is left from a longer text.
	if lines, ok := counted(text, 0); !ok || !slices.Contains(lines, "END_MARKER") {
		return false, nil
	}
	if l.relay == "" {
		return true, nil
	}
	if text, err = os.ReadFile(filepath.Join(data, l.relay)); err != nil {
		return false, err
	}
	lines, ok := counted(text, 1)
	if !ok || len(lines) < 3 {
		return false, nil
	}
	log := lines[1]
	if !filepath.IsAbs(log) {
		log = filepath.Join(data, log)
	}
	index, err := os.ReadFile(strings.TrimSuffix(log, filepath.Ext(log)) + ".index")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return exists(log) && slices.Contains(strings.Split(string(index), "\n"), lines[1]), nil
}

// counted splits a text whose first line is the number of its lines, of all but some. One that has fewer is cut off.
func counted(text []byte, some int) ([]string, bool) {
	lines := strings.Split(string(text), "\n")
	lines = lines[:len(lines)-1] // what no line break ends is not whole
	if len(lines) == 0 {
		return nil, false
	}
	n, err := strconv.Atoi(lines[0])
	return lines, err == nil && len(lines) >= n+some
}

// linkSuffix is what the names of a connection's files have of its name; ok is false where that can't be told.
func linkSuffix(name string) (suffix string, ok bool) {
	var b strings.Builder
	b.WriteByte('-')
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 0x80:
			return "", false
		case r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "@%04x", r)
		}
	}
	return b.String(), name != ""
}
