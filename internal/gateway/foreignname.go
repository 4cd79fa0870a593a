package gateway

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// foreignName refuses a change by a client that does not write UTF-8 where it has a name beyond ASCII: the catalog knows the name by other bytes, so a shard key would not be
// known for one.
func (s *session) foreignName(scan *sqltext.Scan, stmt *sqltext.Stmt) error {
	if cs := s.charset.client; strings.HasPrefix(cs, "utf8") || cs == "binary" {
		return nil
	}
	switch stmt.Kind {
	case sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete, sqltext.KindLoadData, sqltext.KindDDL:
	default:
		return nil
	}
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Word && t.Kind != sqltext.QuotedID {
			continue
		}
		if name := scan.Bytes(int32(i)); bytes.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return unsupported(firstWords(scan, 1)+" with a name beyond ASCII", "names are kept in UTF-8, which this session's character_set_client is not: SET NAMES utf8mb4 before")
		}
	}
	return nil
}
