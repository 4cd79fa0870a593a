package gateway

import (
	"iter"
	"math"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/spider"
)

// The variables that the cluster adds to MariaDB's and Spider's: TenDB's guards, how transactions over several partitions end, and how much may be copied for a statement. completion_type is
// MariaDB's, but for the node to obey: a leaf that chained transactions would keep one open on a connection that goes back to its pool. So is
// sql_select_limit: leaves would cut off the parts of a statement each by itself. event_scheduler is the whole cluster's.
const (
	queryOneShard       = "spider_query_one_shard"
	transactionOneShard = "spider_transaction_one_shard"
	transactionMode     = "transaction_mode"
	completionType      = "completion_type"
	stageMaxBytes       = "stage_max_bytes"
	gatherMaxRows       = "gather_max_rows"
	stageBring          = "stage_bring"
	selectLimit         = "sql_select_limit"
	eventScheduler      = "event_scheduler"
)

var ownVariables = []spider.Variable{
	{
		Name: completionType, Kind: spider.Enum, Values: []string{"NO_CHAIN", "CHAIN", "RELEASE"}, Default: "NO_CHAIN",
		Comment: "The transaction completion type",
	},
	{Name: eventScheduler, Kind: spider.Enum, Values: []string{"OFF", "ON"}, Default: "ON", Global: true, Comment: "Whether the cluster runs events at their times"},
	{
		Name: gatherMaxRows, Kind: spider.Integer, Max: 1 << 50, Default: "100000",
		Comment: "How many rows tables may have, together, whose SHARD KEY nobody has written and that a statement moves to one partition as its keys need it",
	},
	{Name: selectLimit, Kind: spider.Integer, Unsigned: true, Wide: true, Max: math.MaxInt64, Default: unlimited, Comment: "The maximum number of rows to return from SELECT statements"},
	{Name: queryOneShard, Kind: spider.Bool, Default: "OFF", Comment: "Refuse statements on more than one partition"},
	{Name: transactionOneShard, Kind: spider.Bool, Default: "OFF", Comment: "Refuse transactions over more than one partition"},
	{
		Name: stageBring, Kind: spider.Enum, Values: []string{"NEVER", "AUTO", "ALWAYS"}, Default: "AUTO",
		Comment: "When some tables of a statement that can't be split are copied to the partitions of the others: where that copies less, or wherever it can be done",
	},
	{
		Name: stageMaxBytes, Kind: spider.Integer, Min: 1 << 10, Max: 1 << 50, Default: strconv.Itoa(exec.DefaultStageLimit),
		Comment: "How many bytes of rows may be copied to one leaf for a statement that can't be split",
	},
	{
		Name: transactionMode, Kind: spider.Enum, Values: []string{"single", "multi", "atomic"}, Default: "atomic",
		Comment: "Transactions over more than one partition: single refuses them, multi commits one partition after the other, atomic commits everywhere or nowhere",
	},
}

// unlimited is the sql_select_limit of those who have none.
const unlimited = "18446744073709551615"

// findVariable finds a variable that leaves do not have by its name in lower case; nil when there is none.
func findVariable(name string) *spider.Variable {
	for i := range ownVariables {
		if ownVariables[i].Name == name {
			return &ownVariables[i]
		}
	}
	return spider.FindVariable(name)
}

// variables are those that leaves do not have.
func variables() iter.Seq[*spider.Variable] {
	return func(yield func(*spider.Variable) bool) {
		for _, list := range [][]spider.Variable{spider.Variables, ownVariables} {
			for i := range list {
				if !yield(&list[i]) {
					return
				}
			}
		}
	}
}

// leavesHave says whether leaves have a variable, too, that the node has in their place.
func leavesHave(name string) bool {
	return name == completionType || name == selectLimit || name == eventScheduler || tellsPlace(name)
}
