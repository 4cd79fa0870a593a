package housetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/orbweaver/orbweaver"

// pack is what `go list -json` says of a package, as far as we ask.
type pack struct {
	ImportPath, Dir                             string
	Name                                        string
	GoFiles, TestGoFiles, XTestGoFiles, Imports []string
	Deps                                        []string
	Doc                                         string
}

// within says whether an import path is dir or below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func ours(path string) bool { return within(path, module) }

func short(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

func packages(t *testing.T) []pack {
	t.Helper()
	all, err := list()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var list = sync.OnceValues(func() ([]pack, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,GoFiles,TestGoFiles,XTestGoFiles,Imports,Deps", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, &stderr)
	}
	var all []pack
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pack
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

// rooms are the packages and which of ours each may import, as ARCHITECTURE.md has them; subpackages follow their parent's rule and may import it. A
// package that is not listed fails the test: a new room is a decision.
var rooms = sync.OnceValues(func() (map[string][]string, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		return nil, err
	}
	_, table, _ := strings.Cut(string(text), "\n## Rooms\n")
	table, _, _ = strings.Cut(table, "\n## ")
	all := map[string][]string{}
	for line := range strings.SplitSeq(table, "\n") {
		rest, ok := strings.CutPrefix(line, "| `")
		room, rest, found := strings.Cut(rest, "` | ")
		cells := strings.Split(strings.TrimSuffix(rest, " |"), " | ")
		if !ok || !found || len(cells) != 2 {
			continue // no row of a package
		}
		switch may := cells[1]; may {
		case "nothing":
			all[room] = nil
		case "all", "(tests only)": // tests stand on the whole house
			all[room] = []string{"*"}
		default:
			for name := range strings.SplitSeq(may, ", ") {
				name, _, _ = strings.Cut(name, " (")
				all[room] = append(all[room], name)
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("ARCHITECTURE.md has no table of rooms")
	}
	return all, nil
})

func allRooms(t *testing.T) map[string][]string {
	t.Helper()
	all, err := rooms()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// allowedRoom finds the rule for a package: its own or that of the room above it.
func allowedRoom(rooms map[string][]string, me string) (room string, may []string, ok bool) {
	for p := me; p != "."; p = path.Dir(p) {
		if may, ok := rooms[p]; ok {
			return p, may, true
		}
	}
	return "", nil, false
}

func TestRooms(t *testing.T) {
	all, used := allRooms(t), map[string]bool{}
	for _, p := range packages(t) {
		me := short(p.ImportPath)
		room, may, ok := allowedRoom(all, me)
		if !ok {
			t.Errorf("%s is not in ARCHITECTURE.md's table of rooms", me)
			continue
		}
		for _, i := range p.Imports {
			if p.Name == "main" && within(me, "internal") {
				break // a program that writes a table is no part of the system
			}
			if !ours(i) || within(short(i), room) || slices.Contains(may, "*") {
				continue
			}
			at := slices.IndexFunc(may, func(m string) bool { return within(strings.TrimPrefix(short(i), "internal/"), m) })
			if at < 0 {
				t.Errorf("%s imports %s: it may import %v of ours", me, short(i), may)
				continue
			}
			used[room+" "+may[at]] = true
		}
	}
	for room, may := range all {
		for _, m := range may {
			if m != "*" && !used[room+" "+m] {
				t.Errorf("%s may import %s by ARCHITECTURE.md, and does not", room, m)
			}
		}
	}
}

// pure are the packages that decide: from values to values.
var pure = []string{
	"internal/topo", "internal/order", "internal/sqltext", "internal/shard", "internal/partition", "internal/plan", "internal/spider", "internal/view",
	"internal/trigger", "internal/placement", "internal/history",
}

// bans say what a package must not depend on, itself or through others.
var bans = []struct {
	who    []string
	not    []string // import paths, and all below them
	direct bool     // only own imports count
	why    string
}{
	{
		who:    pure,
		not:    []string{"net", "net/http", "os/exec", "log", "log/slog", "crypto/tls", "database/sql", "go.etcd.io"},
		direct: true, // net's functions for text are fine, see netless, and bring the rest with them
		why:    "decisions are pure: they reach no network, log or etcd",
	},
	{
		who: pure,
		not: []string{"time", "os", "math/rand", "math/rand/v2"}, direct: true,
		why: "decisions are pure: the same values give the same answer, at any time",
	},
	{
		who: pure,
		not: []string{
			"go.etcd.io", "google.golang.org/grpc", "github.com/prometheus", module + "/internal/backend", module + "/internal/catalog",
		},
		why: "decisions are pure, and so is what they are made from",
	},
	{
		who: []string{"internal/gateway", "internal/exec", "internal/plan"},
		not: []string{module + "/internal/control", module + "/internal/move"},
		why: "serving statements and changing the topology meet in the catalog only",
	},
	{
		who: []string{"internal/control", "internal/move"},
		not: []string{module + "/internal/gateway", module + "/internal/exec", module + "/internal/plan"},
		why: "serving statements and changing the topology meet in the catalog only",
	},
	{
		who: []string{"internal/topo", "internal/sqltext", "internal/wire", "internal/localfarm"},
		not: []string{"go.etcd.io", "google.golang.org/grpc", "github.com/spf13", "github.com/knadh"},
		why: "rooms at the bottom carry nothing with them",
	},
}

// netless is what pure packages may call of net: functions that only take text apart.
var netless = []string{"JoinHostPort", "SplitHostPort", "ParseIP", "ParseCIDR", "ParseMAC"}

func TestBans(t *testing.T) {
	for _, p := range packages(t) {
		for _, b := range bans {
			if !slices.ContainsFunc(b.who, func(w string) bool { return within(short(p.ImportPath), w) }) {
				continue
			}
			imports := p.Deps
			if b.direct {
				imports = p.Imports
			}
			for _, i := range imports {
				if i == "net" && b.direct {
					checkNetUse(t, p, b.why)
					continue
				}
				if slices.ContainsFunc(b.not, func(n string) bool { return i == n || strings.Contains(n, ".") && within(i, n) }) {
					t.Errorf("%s depends on %s: %s", short(p.ImportPath), i, b.why)
				}
			}
		}
	}
}

// checkNetUse looks for anything of net beyond taking text apart.
func checkNetUse(t *testing.T, p pack, why string) {
	for _, file := range p.GoFiles {
		text, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for rest := text; ; {
			_, after, found := bytes.Cut(rest, []byte("net."))
			if !found {
				break
			}
			rest = after
			name := string(after[:len(after)-len(bytes.TrimLeft(after, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))])
			if name != "" && !slices.Contains(netless, name) {
				t.Errorf("%s uses net.%s: %s", filepath.Join(short(p.ImportPath), file), name, why)
			}
		}
	}
}

func TestEtcdOnlyInCatalog(t *testing.T) {
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			if within(i, "go.etcd.io") && !within(short(p.ImportPath), "internal/catalog") {
				t.Errorf("%s imports %s: etcd is named in internal/catalog only, so that it can be told apart from the topology",
					short(p.ImportPath), i)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, p := range packages(t) {
		for _, part := range strings.Split(short(p.ImportPath), "/") {
			if vague(part) {
				t.Errorf("%s: a package is named for what it holds", short(p.ImportPath))
			}
		}
		for _, f := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			if vague(strings.TrimSuffix(strings.TrimSuffix(f, ".go"), "_test")) {
				t.Errorf("%s/%s: a file is named for what it holds", short(p.ImportPath), f)
			}
		}
	}
}

func vague(name string) bool {
	return slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "base", "shared"}, name)
}

// Every package has a doc.go that says what it is, why, and how it is tested; of a program that generates files a comment is enough.
func TestDocs(t *testing.T) {
	for _, p := range packages(t) {
		if p.Name == "main" && within(short(p.ImportPath), "internal") {
			if p.Doc == "" {
				t.Errorf("%s does not say what it is", short(p.ImportPath))
			}
			continue
		}
		file := filepath.Join(p.Dir, "doc.go")
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Errorf("%s has no readable doc.go: %v", short(p.ImportPath), err)
			continue
		}
		text := f.Doc.Text()
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + path.Base(p.ImportPath) + " "
		}
		if !strings.HasPrefix(text, want) {
			t.Errorf("%s/doc.go does not begin with %q", short(p.ImportPath), want)
		}
		if !strings.Contains(strings.ToLower(text), "test") {
			t.Errorf("%s/doc.go does not say how the package is tested", short(p.ImportPath))
		}
	}
}

// Files stay short enough to be read; tables that a program wrote are for looking up.
func TestFileLengths(t *testing.T) {
	const limit = 600
	for _, p := range packages(t) {
		for _, f := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			text, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(text, []byte("\n")); n > limit && !bytes.Contains(text[:min(len(text), 500)], []byte("DO NOT EDIT")) {
				t.Errorf("%s/%s has %d lines, more than %d", short(p.ImportPath), f, n, limit)
			}
		}
	}
}

// What is for tests stays out of the program.
func TestNoTestCodeInTheProgram(t *testing.T) {
	for _, p := range packages(t) {
		if short(p.ImportPath) != "cmd/orbweaver" {
			continue
		}
		for _, d := range p.Deps {
			if d == "testing" || ours(d) && (strings.HasSuffix(d, "test") || short(d) == "internal/faultproxy") {
				t.Errorf("the program depends on %s", d)
			}
		}
	}
}

// The table of rooms names packages that exist, or it would guard nothing.
func TestRoomsExist(t *testing.T) {
	all := packages(t)
	for room := range allRooms(t) {
		if !slices.ContainsFunc(all, func(p pack) bool { return within(short(p.ImportPath), room) }) {
			t.Errorf("%s is in the table of rooms and does not exist", room)
		}
	}
}
