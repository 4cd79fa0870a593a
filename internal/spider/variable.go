package spider

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// VariableKind is what the value of a system variable is.
type VariableKind uint8

// The kinds of variables.
const (
	Integer VariableKind = iota
	Bool                 // shown as ON and OFF, read as 1 and 0
	Text                 // NULL by default
	Enum                 // one of Values
)

// Variable is a system variable of Spider.
type Variable struct {
	Name       string
	Kind       VariableKind
	Min, Max   int64 // of integers: what is outside becomes the nearest inside
	Unsigned   bool
	Wide       bool // an unsigned integer that has all of 64 bits
	Default    string
	Global     bool // a session has no value of its own
	ReadOnly   bool
	Deprecated bool // setting it is warned of
	Falls      bool // -1 stands for what is built in, which is warned of
	Values     []string
	Comment    string
}

// prefix is what the variables' names begin with.
const prefix = "spider_"

// FindVariable finds a variable by its name in lower case; nil when there is none.
func FindVariable(name string) *Variable {
	if !strings.HasPrefix(name, prefix) {
		return nil
	}
	i, ok := slices.BinarySearchFunc(Variables, name, func(v Variable, name string) int { return strings.Compare(v.Name, name) })
	if !ok {
		return nil
	}
	return &Variables[i]
}

// Given is a value that a variable is set to, as SQL knows it.
type Given struct {
	Null    bool
	Integer bool // a whole number
	Text    bool // a string, and NULL
	Value   string
}

// Fit is the value that a variable gets, as SHOW VARIABLES shows it. ok is false when a value of that type, or that value, can't be given: see Takes. cut: it
// was outside the range.
func (v *Variable) Fit(g Given) (value string, cut, ok bool) {
	switch v.Kind {
	case Text:
		return g.Value, false, true
	case Bool:
		return boolean(g)
	case Enum:
		return v.member(g)
	}
	if v.Wide && !strings.HasPrefix(g.Value, "-") {
		n, err := strconv.ParseUint(g.Value, 10, 64)
		return strconv.FormatUint(n, 10), err != nil, true
	}
	if strings.HasPrefix(g.Value, "-") && v.Min >= 0 {
		return strconv.FormatInt(v.Min, 10), true, true
	}
	n, err := strconv.ParseInt(g.Value, 10, 64) // beyond the range it is the range's end
	in := min(max(n, v.Min), v.Max)
	return strconv.FormatInt(in, 10), err != nil || in != n, true
}

// Takes says whether values of a type can be given at all.
func (v *Variable) Takes(g Given) bool {
	switch v.Kind {
	case Text:
		return g.Text
	case Bool, Enum:
		return g.Text || g.Integer
	}
	return g.Integer
}

// member reads one of the values, or its number.
func (v *Variable) member(g Given) (value string, cut, ok bool) {
	for i, name := range v.Values {
		if !g.Null && (g.Integer && g.Value == strconv.Itoa(i) || g.Text && strings.EqualFold(g.Value, name)) {
			return name, false, true
		}
	}
	return "", false, false
}

// boolean reads ON and OFF, and what they can be cut off to.
func boolean(g Given) (value string, cut, ok bool) {
	switch given := strings.ToUpper(g.Value); {
	case g.Null:
		return "", false, false
	case g.Integer && given == "1", g.Text && given == "ON":
		return "ON", false, true
	case g.Integer && given == "0", g.Text && (given == "OF" || given == "OFF"):
		return "OFF", false, true
	}
	return "", false, false
}

// Variables are all of Spider's, of MariaDB 10.11, by their names.
var Variables = []Variable{
	{Name: "spider_auto_increment_mode", Min: -1, Max: 3, Default: "0", Falls: true},
	{Name: "spider_bgs_first_read", Min: -1, Max: math.MaxInt64, Default: "2", Falls: true},
	{Name: "spider_bgs_mode", Min: -1, Max: 3, Default: "0", Falls: true},
	{Name: "spider_bgs_second_read", Min: -1, Max: math.MaxInt64, Default: "100", Falls: true},
	{Name: "spider_bka_engine", Kind: Text},
	{Name: "spider_bka_mode", Min: -1, Max: 2, Default: "1", Falls: true},
	{Name: "spider_bka_table_name_type", Min: -1, Max: 1, Default: "0", Deprecated: true, Falls: true},
	{Name: "spider_block_size", Unsigned: true, Max: math.MaxUint32, Default: "16384"},
	{Name: "spider_buffer_size", Min: -1, Max: math.MaxInt32, Default: "16000", Deprecated: true, Falls: true},
	{Name: "spider_bulk_size", Min: -1, Max: math.MaxInt32, Default: "16000", Falls: true},
	{Name: "spider_bulk_update_mode", Min: -1, Max: 2, Default: "0", Falls: true},
	{Name: "spider_bulk_update_size", Min: -1, Max: math.MaxInt32, Default: "16000", Falls: true},
	{Name: "spider_casual_read", Min: -1, Max: 63, Default: "0", Falls: true},
	{Name: "spider_conn_recycle_mode", Unsigned: true, Max: 2, Default: "0"},
	{Name: "spider_conn_recycle_strict", Unsigned: true, Max: 1, Default: "0"},
	{Name: "spider_conn_wait_timeout", Unsigned: true, Max: 1000, Default: "10", Global: true},
	{Name: "spider_connect_error_interval", Unsigned: true, Max: math.MaxUint32, Default: "1", Global: true},
	{Name: "spider_connect_mutex", Kind: Bool, Default: "OFF", Global: true},
	{Name: "spider_connect_retry_count", Max: math.MaxInt32, Default: "2"},
	{Name: "spider_connect_retry_interval", Max: math.MaxInt64, Default: "1000"},
	{Name: "spider_connect_timeout", Min: -1, Max: math.MaxInt32, Default: "6", Falls: true},
	{Name: "spider_crd_bg_mode", Min: -1, Max: 2, Default: "2", Falls: true},
	{Name: "spider_crd_interval", Min: -1, Max: math.MaxInt32, Default: "51", Falls: true},
	{Name: "spider_crd_mode", Min: -1, Max: 3, Default: "1", Deprecated: true, Falls: true},
	{Name: "spider_crd_sync", Min: -1, Max: 2, Default: "0", Falls: true},
	{Name: "spider_crd_type", Min: -1, Max: 2, Default: "2", Deprecated: true, Falls: true},
	{Name: "spider_crd_weight", Min: -1, Max: math.MaxInt32, Default: "2", Deprecated: true, Falls: true},
	{Name: "spider_delete_all_rows_type", Min: -1, Max: 1, Default: "1", Falls: true},
	{Name: "spider_direct_aggregate", Kind: Bool, Default: "ON"},
	{Name: "spider_direct_dup_insert", Min: -1, Max: 1, Default: "0", Falls: true},
	{Name: "spider_direct_order_limit", Min: -1, Max: math.MaxInt64, Default: "9223372036854775807", Falls: true},
	{Name: "spider_disable_group_by_handler", Kind: Bool, Default: "OFF"},
	{Name: "spider_dry_access", Kind: Bool, Default: "OFF", Global: true, ReadOnly: true},
	{Name: "spider_error_read_mode", Min: -1, Max: 1, Default: "0", Falls: true},
	{Name: "spider_error_write_mode", Min: -1, Max: 1, Default: "0", Falls: true},
	{Name: "spider_first_read", Min: -1, Max: math.MaxInt64, Default: "0", Falls: true},
	{Name: "spider_force_commit", Unsigned: true, Max: 2, Default: "1"},
	{Name: "spider_general_log", Kind: Bool, Default: "OFF", Global: true},
	{Name: "spider_index_hint_pushdown", Kind: Bool, Default: "OFF"},
	{Name: "spider_init_sql_alloc_size", Min: -1, Max: math.MaxInt32, Default: "1024", Deprecated: true, Falls: true},
	{Name: "spider_internal_limit", Min: -1, Max: math.MaxInt64, Default: "9223372036854775807", Deprecated: true, Falls: true},
	{Name: "spider_internal_offset", Min: -1, Max: math.MaxInt64, Default: "0", Deprecated: true, Falls: true},
	{Name: "spider_internal_optimize", Min: -1, Max: 1, Default: "0", Falls: true},
	{Name: "spider_internal_optimize_local", Min: -1, Max: 1, Default: "0", Falls: true},
	{Name: "spider_internal_sql_log_off", Min: -1, Max: 1, Default: "-1"},
	{Name: "spider_internal_unlock", Kind: Bool, Default: "OFF"},
	{Name: "spider_internal_xa", Kind: Bool, Default: "OFF"},
	{Name: "spider_internal_xa_id_type", Unsigned: true, Max: 1, Default: "0"},
	{Name: "spider_internal_xa_snapshot", Unsigned: true, Max: 3, Default: "0"},
	{Name: "spider_load_crd_at_startup", Min: -1, Max: 1, Default: "1", Global: true, Deprecated: true, Falls: true},
	{Name: "spider_load_sts_at_startup", Min: -1, Max: 1, Default: "1", Global: true, Deprecated: true, Falls: true},
	{Name: "spider_local_lock_table", Kind: Bool, Default: "OFF"},
	{Name: "spider_lock_exchange", Kind: Bool, Default: "OFF"},
	{Name: "spider_log_result_error_with_sql", Unsigned: true, Max: 3, Default: "0", Global: true},
	{Name: "spider_log_result_errors", Unsigned: true, Max: 4, Default: "0", Global: true},
	{Name: "spider_low_mem_read", Min: -1, Max: 1, Default: "1", Falls: true},
	{Name: "spider_max_connections", Unsigned: true, Max: 99999, Default: "0", Global: true},
	{Name: "spider_max_order", Min: -1, Max: 32767, Default: "32767", Falls: true},
	{Name: "spider_multi_split_read", Min: -1, Max: math.MaxInt32, Default: "100", Falls: true},
	{Name: "spider_net_read_timeout", Min: -1, Max: math.MaxInt32, Default: "600", Falls: true},
	{Name: "spider_net_write_timeout", Min: -1, Max: math.MaxInt32, Default: "600", Falls: true},
	{Name: "spider_ping_interval_at_trx_start", Max: math.MaxInt32, Default: "3600"},
	{Name: "spider_quick_mode", Min: -1, Max: 3, Default: "3", Falls: true},
	{Name: "spider_quick_page_byte", Min: -1, Max: math.MaxInt64, Default: "10485760", Falls: true},
	{Name: "spider_quick_page_size", Min: -1, Max: math.MaxInt64, Default: "1024", Falls: true},
	{Name: "spider_read_only_mode", Min: -1, Max: 1, Default: "0", Falls: true},
	{Name: "spider_remote_access_charset", Kind: Text, Global: true},
	{Name: "spider_remote_autocommit", Min: -1, Max: 1, Default: "-1", Global: true},
	{Name: "spider_remote_default_database", Kind: Text, Global: true},
	{Name: "spider_remote_sql_log_off", Min: -1, Max: 1, Default: "-1", Global: true},
	{Name: "spider_remote_time_zone", Kind: Text, Global: true},
	{Name: "spider_remote_trx_isolation", Min: -1, Max: 3, Default: "-1", Global: true},
	{Name: "spider_remote_wait_timeout", Min: -1, Max: math.MaxInt32, Default: "-1"},
	{Name: "spider_reset_sql_alloc", Min: -1, Max: 1, Default: "1", Falls: true},
	{Name: "spider_same_server_link", Kind: Bool, Default: "OFF"},
	{Name: "spider_second_read", Min: -1, Max: math.MaxInt64, Default: "0", Falls: true},
	{Name: "spider_select_column_mode", Min: -1, Max: 1, Default: "1", Falls: true},
	{Name: "spider_selupd_lock_mode", Min: -1, Max: 2, Default: "1", Falls: true},
	{Name: "spider_semi_split_read", Min: -1, Max: math.MaxInt32, Default: "2", Falls: true},
	{Name: "spider_semi_split_read_limit", Min: -1, Max: math.MaxInt64, Default: "9223372036854775807", Falls: true},
	{Name: "spider_semi_table_lock", Max: 1, Default: "0", Deprecated: true},
	{Name: "spider_semi_table_lock_connection", Min: -1, Max: 1, Default: "1", Deprecated: true, Falls: true},
	{Name: "spider_semi_trx", Kind: Bool, Default: "ON"},
	{Name: "spider_semi_trx_isolation", Min: -1, Max: 3, Default: "-1"},
	{Name: "spider_skip_default_condition", Min: -1, Max: 1, Default: "0", Falls: true},
	{Name: "spider_skip_parallel_search", Min: -1, Max: 3, Default: "0", Falls: true},
	{Name: "spider_slave_trx_isolation", Min: -1, Max: 3, Default: "-1", Global: true},
	{Name: "spider_split_read", Min: -1, Max: math.MaxInt64, Default: "9223372036854775807", Falls: true},
	{Name: "spider_store_last_crd", Min: -1, Max: 1, Default: "1", Global: true, Deprecated: true, Falls: true},
	{Name: "spider_store_last_sts", Min: -1, Max: 1, Default: "1", Global: true, Deprecated: true, Falls: true},
	{Name: "spider_strict_group_by", Min: -1, Max: 1, Default: "1", Falls: true},
	{Name: "spider_sts_bg_mode", Min: -1, Max: 2, Default: "2", Falls: true},
	{Name: "spider_sts_interval", Min: -1, Max: math.MaxInt32, Default: "10", Falls: true},
	{Name: "spider_sts_mode", Min: -1, Max: 2, Default: "1", Deprecated: true, Falls: true},
	{Name: "spider_sts_sync", Min: -1, Max: 2, Default: "0", Falls: true},
	{Name: "spider_support_xa", Kind: Bool, Default: "ON", Global: true, ReadOnly: true},
	{Name: "spider_sync_autocommit", Kind: Bool, Default: "ON"},
	{Name: "spider_sync_sql_mode", Kind: Bool, Default: "ON"},
	{Name: "spider_sync_trx_isolation", Kind: Bool, Default: "ON"},
	{Name: "spider_table_crd_thread_count", Unsigned: true, Min: 1, Max: math.MaxUint32, Default: "1", Global: true, ReadOnly: true},
	{Name: "spider_table_init_error_interval", Unsigned: true, Max: math.MaxUint32, Default: "1", Global: true},
	{Name: "spider_table_sts_thread_count", Unsigned: true, Min: 1, Max: math.MaxUint32, Default: "1", Global: true, ReadOnly: true},
	{Name: "spider_use_all_conns_snapshot", Kind: Bool, Default: "OFF"},
	{Name: "spider_use_cond_other_than_pk_for_update", Max: 1, Default: "1"},
	{Name: "spider_use_consistent_snapshot", Kind: Bool, Default: "OFF"},
	{Name: "spider_use_default_database", Kind: Bool, Default: "ON"},
	{Name: "spider_use_flash_logs", Kind: Bool, Default: "OFF"},
	{Name: "spider_use_pushdown_udf", Min: -1, Max: 1, Default: "0"},
	{Name: "spider_use_snapshot_with_flush_tables", Max: 2, Default: "0"},
	{Name: "spider_use_table_charset", Min: -1, Max: 1, Default: "1", Global: true, ReadOnly: true},
	{Name: "spider_wait_timeout", Min: -1, Max: math.MaxInt32, Default: "604800"},
	{Name: "spider_xa_register_mode", Unsigned: true, Max: 1, Default: "1", Deprecated: true},
}
