package gateway

import (
	"sync"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// maxPlans bounds the plan cache.
const maxPlans = 8192

// planCache holds plans by fingerprint, database and mode. Plans of an older snapshot are never given out.
type planCache struct {
	mu    sync.RWMutex
	plans map[string]*plan.Plan
}

// planKey appends what a plan depends on besides the snapshot.
func planKey(dst []byte, scan *sqltext.Scan, sess *plan.Session) []byte {
	m := &sess.Mode
	var flags uint16
	for i, on := range [...]bool{m.ANSIQuotes, m.NoBackslashEscapes, m.PipesAsConcat, m.HighNotPrecedence, m.IgnoreSpace, sess.NoAutoValueOnZero,
		sess.LinksReadOnly, sess.OwnReferences, sess.FullGroups, m.Oracle, sess.Simultaneous} {
		if on {
			flags |= 1 << i
		}
	}
	dst = append(dst, byte(flags), byte(flags>>8))
	dst = append(dst, m.Multibyte...)
	dst = append(dst, 0)
	dst = append(dst, sess.DB...)
	dst = append(dst, 0)
	dst = append(dst, sess.Results...)
	dst = append(dst, 0)
	dst = append(dst, sess.Checked...)
	dst = append(dst, 0)
	return append(dst, scan.Fingerprint...)
}

// get finds a plan that was made for the snapshot.
func (c *planCache) get(key []byte, revision int64) *plan.Plan {
	c.mu.RLock()
	p := c.plans[string(key)]
	c.mu.RUnlock()
	if p == nil || p.Revision != revision {
		return nil
	}
	return p
}

// put remembers a plan. When there are too many, some others go: whichever the map yields first, which is as good as random.
func (c *planCache) put(key []byte, p *plan.Plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plans == nil {
		c.plans = map[string]*plan.Plan{}
	}
	for k, old := range c.plans {
		if len(c.plans) < maxPlans && old.Revision == p.Revision {
			break
		}
		delete(c.plans, k)
	}
	c.plans[string(key)] = p
}

func (c *planCache) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.plans)
}
