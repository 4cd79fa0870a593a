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

// repairLinks removes what a kill has left of replication's files and MariaDB can't go on with, from a data directory that no server uses. With a connection's file
// that was cut off it aborts at every start, or, where the end of the list of domains is missing, replicates all domains: such connections are removed, and named.
// Whoever made them makes them again. It aborts as well when the position in the relay logs, which it writes seldom, is one in a log that it has
// removed since: those logs are removed, and what was in them is received again. What was applied is told by a table.
func repairLinks(data string, owner identity) (dropped, again []string, err error) {
	links, err := readLinks(data)
	if err != nil {
		return nil, nil, err
	}
	names, err := os.ReadFile(filepath.Join(data, indexOfLinks))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	var keep bytes.Buffer
	bad := map[string]bool{}
	for suffix, l := range links {
		whole, gtid, err := l.whole(data)
		if err != nil {
			return nil, nil, err
		}
		logs, err := l.wholeLogs(data)
		switch {
		case err != nil:
			return nil, nil, err
		case !whole, !logs && !gtid: // without GTIDs the position is lost with the logs
			bad[suffix] = true
		case !logs:
			if err := l.remove(data, append(l.logs, l.relay)); err != nil {
				return nil, nil, err
			}
			again = append(again, connection(suffix))
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
	slices.Sort(again)
	if len(bad) == 0 {
		return nil, again, nil
	}
	// The index comes first: without the files a name in it is a connection to nowhere.
	if keep.Len() < len(names) {
		path := filepath.Join(data, indexOfLinks)
		if err := os.WriteFile(path+".new", keep.Bytes(), 0o660); err != nil {
			return nil, nil, err
		}
		if err := errors.Join(own(path+".new", owner), os.Rename(path+".new", path)); err != nil {
			return nil, nil, err
		}
	}
	for suffix := range bad {
		l := links[suffix]
		if err := l.remove(data, append(l.logs, l.relay, l.master)); err != nil {
			return nil, nil, err
		}
		dropped = append(dropped, connection(suffix))
	}
	slices.Sort(dropped)
	return dropped, again, nil
}

// connection is a connection's name, as files have it.
func connection(suffix string) string { return strings.TrimPrefix(suffix, "-") }

// remove removes some of the connection's files, those that there are.
func (linkFiles) remove(data string, files []string) error {
	for _, f := range files {
		if f == "" {
			continue
		}
		if err := os.Remove(filepath.Join(data, f)); err != nil {
			return err
		}
	}
	return nil
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

// whole says whether the connection is all there, and whether it goes by GTIDs.
func (l linkFiles) whole(data string) (whole, gtid bool, err error) {
	if l.master == "" {
		return false, false, nil
	}
	text, err := os.ReadFile(filepath.Join(data, l.master))
	if err != nil {
		return false, false, err
	}
	// Domains stand behind the lines that are counted. The first mark ends them: what follows it is left from a longer text.
	lines, ok := counted(text, 0)
	end := slices.Index(lines, "END_MARKER")
	if !ok || end < 0 {
		return false, false, nil
	}
	gtid = slices.ContainsFunc(lines[:end], func(line string) bool { return line == "using_gtid=1" || line == "using_gtid=2" })
	return true, gtid, nil
}

// wholeLogs says whether the position in the relay logs is one in a log that is there. Without a position MariaDB begins anew.
func (l linkFiles) wholeLogs(data string) (bool, error) {
	if l.relay == "" {
		return true, nil
	}
	text, err := os.ReadFile(filepath.Join(data, l.relay))
	if err != nil {
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
