package wire

// MaxPayload is the largest payload of one frame; a packet with at least that many bytes goes on in the next frame.
const MaxPayload = 1<<24 - 1

// HeaderSize is the size of a frame's header: three bytes of length, one of sequence.
const HeaderSize = 4

// Caps are capability flags. The low 32 bits are those of MySQL, the high ones MariaDB's extended capabilities.
type Caps uint64

// The capability flags. ClientMySQL is the bit that MySQL calls CLIENT_LONG_PASSWORD: a MariaDB peer leaves it unset, and
// only then are the high 32 bits exchanged.
const (
	ClientMySQL               Caps = 1 << 0
	ClientFoundRows           Caps = 1 << 1
	ClientLongFlag            Caps = 1 << 2
	ClientConnectWithDB       Caps = 1 << 3
	ClientNoSchema            Caps = 1 << 4
	ClientCompress            Caps = 1 << 5
	ClientODBC                Caps = 1 << 6
	ClientLocalFiles          Caps = 1 << 7
	ClientIgnoreSpace         Caps = 1 << 8
	ClientProtocol41          Caps = 1 << 9
	ClientInteractive         Caps = 1 << 10
	ClientSSL                 Caps = 1 << 11
	ClientIgnoreSigpipe       Caps = 1 << 12
	ClientTransactions        Caps = 1 << 13
	ClientReserved            Caps = 1 << 14
	ClientSecureConnection    Caps = 1 << 15
	ClientMultiStatements     Caps = 1 << 16
	ClientMultiResults        Caps = 1 << 17
	ClientPSMultiResults      Caps = 1 << 18
	ClientPluginAuth          Caps = 1 << 19
	ClientConnectAttrs        Caps = 1 << 20
	ClientPluginAuthLenenc    Caps = 1 << 21
	ClientExpiredPasswords    Caps = 1 << 22
	ClientSessionTrack        Caps = 1 << 23
	ClientDeprecateEOF        Caps = 1 << 24
	ClientOptionalMetadata    Caps = 1 << 25
	ClientZstd                Caps = 1 << 26
	ClientQueryAttributes     Caps = 1 << 27
	ClientSSLVerifyServerCert Caps = 1 << 30
	ClientRememberOptions     Caps = 1 << 31

	MariaDBProgress         Caps = 1 << 32
	MariaDBComMulti         Caps = 1 << 33
	MariaDBStmtBulk         Caps = 1 << 34
	MariaDBExtendedMetadata Caps = 1 << 35
	MariaDBCacheMetadata    Caps = 1 << 36
)

// ServerCaps is what [Conn.Greet] offers unless told otherwise: MariaDB 10.11's flags without cached metadata and COM_MULTI,
// which a gateway would have to take apart again. TLS is added where there is a certificate.
const ServerCaps = ClientFoundRows | ClientLongFlag | ClientConnectWithDB | ClientNoSchema | ClientCompress | ClientODBC |
	ClientLocalFiles | ClientIgnoreSpace | ClientProtocol41 | ClientInteractive | ClientIgnoreSigpipe | ClientTransactions |
	ClientReserved | ClientSecureConnection | ClientMultiStatements | ClientMultiResults | ClientPSMultiResults |
	ClientPluginAuth | ClientConnectAttrs | ClientPluginAuthLenenc | ClientExpiredPasswords | ClientSessionTrack |
	ClientDeprecateEOF | ClientRememberOptions | MariaDBProgress | MariaDBStmtBulk | MariaDBExtendedMetadata

// Has reports whether all flags of f are set.
func (c Caps) Has(f Caps) bool { return c&f == f }

// Status is the server status that OK and EOF packets carry.
type Status uint16

// The status flags.
const (
	StatusInTrans           Status = 1 << 0
	StatusAutocommit        Status = 1 << 1
	StatusMoreResults       Status = 1 << 3
	StatusNoGoodIndex       Status = 1 << 4
	StatusNoIndex           Status = 1 << 5
	StatusCursorExists      Status = 1 << 6
	StatusLastRowSent       Status = 1 << 7
	StatusDBDropped         Status = 1 << 8
	StatusNoBackslashEscape Status = 1 << 9
	StatusMetadataChanged   Status = 1 << 10
	StatusSlowQuery         Status = 1 << 11
	StatusPSOutParams       Status = 1 << 12
	StatusInTransReadonly   Status = 1 << 13
	StatusStateChanged      Status = 1 << 14
	StatusAnsiQuotes        Status = 1 << 15
)

// Has reports whether all flags of f are set.
func (s Status) Has(f Status) bool { return s&f == f }

// Command is the first byte of a packet that a client sends once it is logged in.
type Command byte

// The commands.
const (
	ComSleep            Command = 0x00
	ComQuit             Command = 0x01
	ComInitDB           Command = 0x02
	ComQuery            Command = 0x03
	ComFieldList        Command = 0x04
	ComCreateDB         Command = 0x05
	ComDropDB           Command = 0x06
	ComRefresh          Command = 0x07
	ComShutdown         Command = 0x08
	ComStatistics       Command = 0x09
	ComProcessInfo      Command = 0x0a
	ComConnect          Command = 0x0b
	ComProcessKill      Command = 0x0c
	ComDebug            Command = 0x0d
	ComPing             Command = 0x0e
	ComTime             Command = 0x0f
	ComDelayedInsert    Command = 0x10
	ComChangeUser       Command = 0x11
	ComBinlogDump       Command = 0x12
	ComTableDump        Command = 0x13
	ComConnectOut       Command = 0x14
	ComRegisterSlave    Command = 0x15
	ComStmtPrepare      Command = 0x16
	ComStmtExecute      Command = 0x17
	ComStmtSendLongData Command = 0x18
	ComStmtClose        Command = 0x19
	ComStmtReset        Command = 0x1a
	ComSetOption        Command = 0x1b
	ComStmtFetch        Command = 0x1c
	ComDaemon           Command = 0x1d
	ComBinlogDumpGTID   Command = 0x1e
	ComResetConnection  Command = 0x1f
	ComStmtBulkExecute  Command = 0xfa
	ComMulti            Command = 0xfe
)

// FieldType is a column's or parameter's type on the wire.
type FieldType byte

// The field types.
const (
	TypeDecimal    FieldType = 0x00
	TypeTiny       FieldType = 0x01
	TypeShort      FieldType = 0x02
	TypeLong       FieldType = 0x03
	TypeFloat      FieldType = 0x04
	TypeDouble     FieldType = 0x05
	TypeNull       FieldType = 0x06
	TypeTimestamp  FieldType = 0x07
	TypeLongLong   FieldType = 0x08
	TypeInt24      FieldType = 0x09
	TypeDate       FieldType = 0x0a
	TypeTime       FieldType = 0x0b
	TypeDateTime   FieldType = 0x0c
	TypeYear       FieldType = 0x0d
	TypeNewDate    FieldType = 0x0e
	TypeVarchar    FieldType = 0x0f
	TypeBit        FieldType = 0x10
	TypeTimestamp2 FieldType = 0x11
	TypeDateTime2  FieldType = 0x12
	TypeTime2      FieldType = 0x13
	TypeJSON       FieldType = 0xf5
	TypeNewDecimal FieldType = 0xf6
	TypeEnum       FieldType = 0xf7
	TypeSet        FieldType = 0xf8
	TypeTinyBlob   FieldType = 0xf9
	TypeMediumBlob FieldType = 0xfa
	TypeLongBlob   FieldType = 0xfb
	TypeBlob       FieldType = 0xfc
	TypeVarString  FieldType = 0xfd
	TypeString     FieldType = 0xfe
	TypeGeometry   FieldType = 0xff
)

// FieldFlags are the flags of a column definition.
type FieldFlags uint16

// The field flags.
const (
	FlagNotNull       FieldFlags = 1 << 0
	FlagPrimaryKey    FieldFlags = 1 << 1
	FlagUniqueKey     FieldFlags = 1 << 2
	FlagMultipleKey   FieldFlags = 1 << 3
	FlagBlob          FieldFlags = 1 << 4
	FlagUnsigned      FieldFlags = 1 << 5
	FlagZerofill      FieldFlags = 1 << 6
	FlagBinary        FieldFlags = 1 << 7
	FlagEnum          FieldFlags = 1 << 8
	FlagAutoIncrement FieldFlags = 1 << 9
	FlagTimestamp     FieldFlags = 1 << 10
	FlagSet           FieldFlags = 1 << 11
	FlagNoDefault     FieldFlags = 1 << 12
	FlagOnUpdateNow   FieldFlags = 1 << 13
	FlagNum           FieldFlags = 1 << 15
)

// The cursor types in COM_STMT_EXECUTE's flags.
const (
	CursorNone      byte = 0
	CursorReadOnly  byte = 1
	CursorForUpdate byte = 2
	CursorScroll    byte = 4
)

// The options of COM_SET_OPTION.
const (
	OptionMultiStatementsOn  uint16 = 0
	OptionMultiStatementsOff uint16 = 1
)

// The names of the authentication plugins, as the protocol names them (a client says client_ed25519 for the account's ed25519).
const (
	PluginNative      = "mysql_native_password"
	PluginEd25519     = "client_ed25519"
	PluginCachingSHA2 = "caching_sha2_password"
)
