package notify

// Format says what an endpoint is posted.
type Format string

// The formats.
const (
	// FormatStandard posts the envelope as application/json.
	FormatStandard Format = "standard"
	// FormatCloudEvents posts the same as application/cloudevents+json.
	FormatCloudEvents Format = "cloudevents"
	// FormatTemplate posts what a template of the operator's makes.
	FormatTemplate Format = "template"
	// FormatSlack posts a message to an incoming webhook of Slack.
	FormatSlack Format = "slack"
	// FormatDiscord posts a message to a webhook of Discord.
	FormatDiscord Format = "discord"
	// FormatTeams posts a card to a workflow of Microsoft Teams.
	FormatTeams Format = "teams"
)

// Provider is somebody whose way to sign webhooks is known.
type Provider string

// The providers.
const (
	GitHub Provider = "github"
	Stripe Provider = "stripe"
)
