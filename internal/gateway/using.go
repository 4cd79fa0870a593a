package gateway

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// usingLiteral is a value of EXECUTE … USING as SQL. As MariaDB's parameter it has the connection's character set, and gives way to the collation of a column that it is compared with: so no COLLATE is written.
func (s *session) usingLiteral(ctx context.Context, v value, in reading) (string, error) {
	number := v.typ.IsInteger() || v.typ == wire.TypeNewDecimal || v.typ == wire.TypeDecimal || v.typ == wire.TypeDouble || v.typ == wire.TypeFloat
	if v.null || number || v.charset == "" || v.charset == "binary" {
		return v.literal(), nil
	}
	cs := s.charset.connection
	if v.charset != cs {
		if !clientCharset(v.charset) || !clientCharset(cs) || slices.ContainsFunc(v.bytes, func(b byte) bool { return b >= 0x80 }) {
			converted, err := s.evaluate(ctx, "CONVERT("+v.literal()+" USING "+cs+")")
			if err != nil {
				return "", err
			}
			v = converted
		}
		v.charset, v.collation = cs, s.charset.collation
	}
	if c := wire.CollationByName(v.collation); (c == nil || !c.Default) && v.collation == s.charset.collation && s.charset.client == cs && in == s.reads() && s.sess.Mode.Multibyte == "" {
		text := strings.ReplaceAll(string(v.bytes), "'", "''")
		if !s.sess.Mode.NoBackslashEscapes {
			text = strings.ReplaceAll(text, `\`, `\\`)
		}
		return "'" + text + "'", nil
	}
	return "_" + v.charset + " x'" + hex.EncodeToString(v.bytes) + "'", nil
}
