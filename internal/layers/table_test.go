package layers

// module is the path of this project; packages below are named relative to it.
const module = "github.com/pollwire/pollwire"

// row is what one package may import of this project. A package imports from
// its own layer or from below.
type row struct {
	layer int
	may   []string
	// why is the reason that a refusal gives.
	why string
}

// anything lets a row import every package of the layers below its own.
const anything = "*"

// table is the import direction of the house. A new package gets a row here
// before it gets importers.
var table = map[string]row{
	"diff":                {0, nil, "it is pure: bytes and rules in, changes out, for any program"},
	"internal/expression": {0, nil, "it knows an expression and the values it is about, and nothing of sources"},
	"internal/spelling":   {0, nil, "it knows letters, and nothing of what words are for"},
	"internal/config": {
		0,
		[]string{"internal/expression", "internal/spelling"},
		"it turns YAML into plain values; only internal/daemon makes Options of them. An expression is checked where it is written, so that the message can point into it, and so is which key was meant",
	},
	"internal/httpclient":                {0, nil, "it knows HTTP, and nothing of polls and webhooks"},
	"internal/httpclient/httpclienttest": {0, nil, "it makes certificates and servers for the tests of whatever is above it"},

	"internal/rapidtest": {0, nil, "it sets a flag for the tests of whatever is above it"},

	"internal/seal": {0, nil, "it encrypts what it is given, and knows nothing of what that is or where it is kept"},

	"poller": {
		1,
		[]string{"diff", "internal/httpclient", "internal/seal"},
		"asking knows nothing of telling, nor of what keeps its state",
	},
	"notify": {
		1,
		[]string{"diff", "internal/httpclient"},
		"telling knows nothing of asking, nor of what keeps its state",
	},
	"internal/receiver": {
		1,
		[]string{"notify"},
		"it stands where a user's receiver stands: it may know only what is sent",
	},

	"internal/store": {
		2,
		[]string{"diff", "poller", "notify"},
		"it names what survives, and leaves how to the engines below it",
	},
	"internal/store/blob": {
		2,
		[]string{"diff", "notify", "internal/store"},
		"it packs bytes for the engines, and knows neither rows nor databases",
	},
	"internal/store/group": {
		2,
		[]string{"internal/store"},
		"it gathers writes for the engines, and knows nothing of what is written",
	},
	"internal/store/blob/blobtest": {2, nil, "it makes documents for tests of the packages above it"},
	"internal/store/sqlite": {
		2,
		[]string{"diff", "poller", "notify", "internal/store", "internal/store/blob", "internal/store/group"},
		"an engine keeps the store's contract, and never knows another engine",
	},
	"internal/store/postgres": {
		2,
		[]string{"diff", "poller", "notify", "internal/store", "internal/store/blob", "internal/store/group"},
		"an engine keeps the store's contract, and never knows another engine",
	},
	"internal/store/postgres/postgrestest": {2, nil, "it starts servers for tests, and knows nothing of what is kept in them"},
	"internal/store/transfer": {
		2,
		[]string{"internal/store", "internal/store/sqlite", "internal/store/postgres"},
		"it moves a database from one engine to the other, so it alone knows both",
	},
	"internal/store/storetest": {
		2,
		[]string{"diff", "poller", "notify", "internal/store"},
		"one suite holds for every engine, so it knows none",
	},

	"internal/cluster": {
		3,
		[]string{"internal/store"},
		"it shares out names among nodes; what is done under a name is the daemon's affair",
	},

	"internal/bridge": {
		3,
		[]string{"diff", "poller", "notify", "internal/store", "internal/expression"},
		"the heart asks interfaces; which engine and which configuration is the daemon's choice",
	},
	"internal/history": {
		3,
		[]string{"poller"},
		"it remembers what came of polls for people who look; nothing is decided by it",
	},
	"internal/eventlog": {
		3,
		[]string{"notify", "internal/store"},
		"it reads what was logged; what that means to whom is not its to know",
	},
	"internal/subscription": {
		3,
		[]string{"notify", "internal/store", "internal/expression", "internal/seal"},
		"it decides who is told; how they are told, and over which API it is asked for, is the daemon's choice",
	},
	"internal/metrics": {
		4,
		[]string{"poller", "notify", "internal/store", "internal/subscription"},
		"it counts what it is told of in their words, and decides nothing",
	},
	"internal/server": {
		4,
		[]string{"diff", "notify", "internal/store", "internal/bridge"},
		"it translates HTTP, and acts through its Controller",
	},
	"internal/server/client": {
		4,
		[]string{"diff", "internal/server"},
		"it knows the API's words, and nothing of what is behind them",
	},
	"internal/server/dashboard": {
		4,
		[]string{"notify", "internal/store", "internal/server"},
		"it shows what the API tells, in the API's words",
	},
	"internal/daemon": {5, []string{anything}, "it wires what lies below it, and nothing above"},

	"internal/manual": {
		0,
		nil,
		"it reads commands and a schema as it is given them",
	},
	"internal/demo": {
		6,
		[]string{"notify", "internal/daemon", "internal/config", "internal/receiver"},
		"it shows what a user would run, through the doors that a user has",
	},
	"internal/recipe": {
		6,
		[]string{"internal/spelling"},
		"it is files, and what their headers say of them; its tests run them in a daemon",
	},
	"internal/curl": {
		6,
		[]string{"internal/recipe"},
		"it reads a command line and writes a file as a recipe is one; it asks nobody",
	},
	"cmd/pollwire": {
		7,
		[]string{"notify", "internal/daemon", "internal/config", "internal/server", "internal/server/client", "internal/demo", "internal/manual", "internal/receiver", "internal/recipe", "internal/curl"},
		"the command line is thin: what it does, the daemon does, or a client of it; notify makes and reads secrets",
	},

	"internal/recipe/realtest": {7, nil, "it tries recipes as a user would, against servers that others wrote; nothing needs it"},

	"internal/layers":     {8, nil, "it reads the others as text"},
	"systemd/systemdtest": {8, nil, "it runs the binary, as systemd does, from the packages that bring it"},
}

// owner says which package alone may import something of others.
type owner struct {
	// imported is a package, or with a slash at its end all below a path.
	imported string
	// by are the packages of this project that may.
	by  []string
	why string
}

var owners = []owner{
	{"database/sql", []string{"internal/store/sqlite", "internal/store/postgres"}, "SQL is the engines' own"},
	{"modernc.org/", []string{"internal/store/sqlite"}, "the engine is the store's choice"},
	{"github.com/prometheus/", []string{"internal/metrics"}, "the others tell what happened; how it is counted is the account's own"},
	{"github.com/pressly/goose/", []string{"internal/store/sqlite", "internal/store/postgres"}, "migrations are the engines' own"},
}

// impure is what diff must not import, so that it stays without I/O and state.
var impure = []string{"os", "os/", "net", "net/", "io/fs", "database/", "log", "log/", "syscall", "time", "math/rand", "math/rand/"}

// public are the packages that other programs use: their exported signatures
// name no type of an internal package.
var public = []string{"diff", "poller", "notify"}
