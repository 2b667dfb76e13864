package manual

// part is a section of pollwire(1) that no command can say: terms and what they
// mean.
type part struct {
	title string
	terms [][2]string
}

var parts = []part{
	{"EXIT STATUS", [][2]string{
		{"0", "Done."},
		{"1", "Failed; the error says why."},
		{"2", "Wrong usage. A crash of the program exits with this code too."},
		{"78", "The configuration is wrong (EX_CONFIG of sysexits.h), and only an edit helps."},
	}},
	{"ENVIRONMENT", [][2]string{
		{"CREDENTIALS_DIRECTORY", "Where ${credential:NAME} in the configuration is read. systemd sets it; beside the running service " +
			"it is /run/credentials/pollwire.service."},
		{"RUNTIME_DIRECTORY", "Where the daemon's socket for commands is. systemd sets it; without it the socket is beside the database."},
		{"NO_COLOR", "If it is set and not empty, nothing is coloured."},
		{"HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "The proxy for sources and endpoints that name none."},
	}},
	{"FILES", [][2]string{
		{"/etc/pollwire/pollwire.yaml", "The configuration of the service, see pollwire.yaml(5)."},
		{"/etc/pollwire/conf.d/*.yaml", "More of it, where it includes them."},
		{"/etc/pollwire/credentials/", "Secrets, one a file, readable by root alone. The file NAME is ${credential:pollwire_NAME} in the configuration."},
		{"/var/lib/pollwire/pollwire.db", "The database of the service."},
		{"/run/pollwire/pollwire.sock", "Where commands reach the service."},
	}},
}
