package exec

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// records reads the lines of LOAD DATA as MariaDB does (FIELDS and LINES options), so that a line can be sent on as it is, once it is known
// where it belongs. Source: https://mariadb.com/kb/en/load-data-infile/
type records struct {
	in        *bufio.Reader
	from      *lineReader
	fieldTerm []byte
	lineTerm  []byte
	lineStart []byte
	enclosed  int // byte, -1 for none
	escape    int // byte, -1 for none

	line
	ahead []line // that have been read already, while others wait for values of sequences
}

// lineReader reads a file, of which a line may take no more than a limit: a line is held as a whole, and a file may have no end of lines.
type lineReader struct {
	r     io.Reader
	limit int64
	left  int64 // that may be read until the line ends
}

func (l *lineReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, &Error{Code: 1038, State: "HY001", Message: fmt.Sprintf("Out of memory: a line of LOAD DATA may take at most %d bytes at the node", l.limit)}
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

// line is a line with its terminator, and its fields.
type line struct {
	raw    []byte
	fields []field
}

// field is a part of a line: raw[start:end] with its enclosure, and what it means.
type field struct {
	start, end int
	null       bool
	plain      bool // value is raw[start:end] itself
	value      []byte
}

func newRecords(r io.Reader, l *sqltext.LoadData, limit int64) (*records, error) {
	from := &lineReader{r: r, limit: limit}
	s := &records{in: bufio.NewReaderSize(from, 64<<10), from: from, fieldTerm: []byte{'\t'}, lineTerm: []byte{'\n'}, enclosed: -1, escape: '\\'}
	if l.FieldsTerminated != nil {
		s.fieldTerm = l.FieldsTerminated
	}
	if l.LinesTerminated != nil {
		s.lineTerm = l.LinesTerminated
	}
	s.lineStart = l.LinesStarting
	if len(l.Enclosed) > 0 {
		s.enclosed = int(l.Enclosed[0])
	}
	if l.Escaped != nil {
		s.escape = -1
		if len(l.Escaped) > 0 {
			s.escape = int(l.Escaped[0])
		}
	}
	switch {
	case len(s.fieldTerm) == 0 && s.enclosed < 0:
		return nil, errLoad("fields of fixed width (FIELDS TERMINATED BY '' ENCLOSED BY '')")
	case len(s.lineStart) > 0:
		return nil, errLoad("LINES STARTING BY")
	case len(s.lineTerm) == 0 || len(s.fieldTerm) == 0:
		return nil, errLoad("an empty terminator")
	}
	return s, nil
}

func errLoad(what string) error {
	return errorf(1235, "This version of Orbweaver doesn't yet support %s in LOAD DATA into a sharded table", what)
}

// skip reads a line without looking at its fields, for IGNORE n LINES.
func (s *records) skip() error {
	s.raw, s.from.left = s.raw[:0], s.from.limit
	for {
		c, err := s.in.ReadByte()
		if errors.Is(err, io.EOF) && len(s.raw) > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		s.raw = append(s.raw, c)
		if bytes.HasSuffix(s.raw, s.lineTerm) {
			return nil
		}
	}
}

// next is the next line, in raw and fields; io.EOF after the last.
func (s *records) next() error {
	if len(s.ahead) > 0 {
		s.line, s.ahead = s.ahead[0], s.ahead[1:]
		return nil
	}
	return s.read()
}

// mostAhead and bytesAhead bound what is read ahead.
const (
	mostAhead  = 500
	bytesAhead = 1 << 20
)

// look reads lines ahead, and says how many there are.
func (s *records) look() (int, error) {
	var err error
	for size := 0; err == nil && len(s.ahead) < mostAhead && size < bytesAhead; {
		s.line = line{}
		if err = s.read(); err == nil {
			s.ahead = append(s.ahead, s.line)
			size += len(s.raw)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return len(s.ahead), err
}

// read reads a line into raw and fields.
func (s *records) read() error {
	s.raw, s.fields, s.from.left = s.raw[:0], s.fields[:0], s.from.limit
	for {
		f := field{start: len(s.raw), plain: true}
		last, err := s.field(&f)
		if errors.Is(err, io.EOF) {
			if len(s.raw) == 0 && len(s.fields) == 0 {
				return io.EOF
			}
			s.add(f, len(s.raw))
			return nil
		}
		if err != nil {
			return err
		}
		if last {
			return nil
		}
	}
}

func (s *records) add(f field, end int) {
	f.end = end
	if f.plain {
		f.value = s.raw[f.start:f.end]
	}
	s.fields = append(s.fields, f)
}

// field reads one field with its terminator; last when it ended the line.
func (s *records) field(f *field) (last bool, err error) {
	c, err := s.in.ReadByte()
	if err != nil {
		return false, err
	}
	if s.enclosed >= 0 && int(c) == s.enclosed {
		s.raw = append(s.raw, c)
		f.plain = false
		return s.enclosedField(f)
	}
	_ = s.in.UnreadByte()
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return false, err
		}
		if s.escape >= 0 && int(c) == s.escape {
			if err := s.escaped(f); err != nil {
				return false, err
			}
			continue
		}
		s.push(f, c)
		if last, ok := s.ended(f); ok {
			return last, nil
		}
	}
}

// push appends a byte to the line and, where it differs from it, to the field's value.
func (s *records) push(f *field, c byte) {
	s.raw = append(s.raw, c)
	if !f.plain {
		f.value = append(f.value, c)
	}
}

// ended says whether the line now ends with a terminator, and takes it off the field.
func (s *records) ended(f *field) (last, ok bool) {
	for i, term := range [2][]byte{s.fieldTerm, s.lineTerm} {
		if !bytes.HasSuffix(s.raw[f.start:], term) {
			continue
		}
		if !f.plain {
			f.value = f.value[:max(len(f.value)-len(term), 0)]
		}
		end := len(s.raw) - len(term)
		// Where fields may be enclosed, the bare word NULL is NULL.
		if s.enclosed >= 0 && f.plain && string(s.raw[f.start:end]) == "NULL" {
			f.null = true
		}
		s.add(*f, end)
		return i == 1, true
	}
	return false, false
}

// escaped reads what follows an escape character.
func (s *records) escaped(f *field) error {
	if f.plain {
		f.value, f.plain = append([]byte(nil), s.raw[f.start:]...), false
	}
	s.raw = append(s.raw, byte(s.escape))
	c, err := s.in.ReadByte()
	if err != nil {
		return err
	}
	s.raw = append(s.raw, c)
	switch c {
	case 'N':
		if len(f.value) == 0 {
			f.null = true
			return nil
		}
	case '0':
		c = 0
	case 'b':
		c = '\b'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'Z':
		c = 26
	}
	f.value = append(f.value, c)
	return nil
}

// enclosedField reads the rest of a field that began with the enclosing character: it ends with that character before a terminator.
func (s *records) enclosedField(f *field) (last bool, err error) {
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return false, err
		}
		if s.escape >= 0 && int(c) == s.escape && s.escape != s.enclosed {
			if err := s.escaped(f); err != nil {
				return false, err
			}
			continue
		}
		s.raw = append(s.raw, c)
		if int(c) != s.enclosed {
			f.value = append(f.value, c)
			continue
		}
		next, err := s.in.Peek(max(len(s.fieldTerm), len(s.lineTerm)))
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		switch {
		case bytes.HasPrefix(next, s.fieldTerm):
			return s.closed(f, s.fieldTerm, false)
		case bytes.HasPrefix(next, s.lineTerm):
			return s.closed(f, s.lineTerm, true)
		case len(next) == 0:
			return false, io.EOF
		case int(next[0]) == s.enclosed: // doubled
			_, _ = s.in.Discard(1)
			s.raw = append(s.raw, c)
		}
		f.value = append(f.value, c)
	}
}

func (s *records) closed(f *field, term []byte, last bool) (bool, error) {
	s.add(*f, len(s.raw))
	s.raw = append(s.raw, term...)
	_, err := s.in.Discard(len(term))
	return last, err
}
