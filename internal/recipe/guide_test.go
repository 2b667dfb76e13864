package recipe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGuide(t *testing.T) {
	t.Parallel()
	shop := mustParse(t, shop)
	chat, err := parse("to-chat", "# Chat*: a message\n# docs: https://chat.example.com\n# limit: none|known\n# tried: a fake; Chat 1.2\n\nendpoints: [{name: chat}]\n")
	if err != nil {
		t.Fatal(err)
	}
	got := string(Guide([]Recipe{*shop, *chat}, func(name string) []byte {
		if name == "shop" {
			return []byte("{\"a\": 1}\n")
		}
		return nil
	}))
	_, got, _ = strings.Cut(got, "\n## Ask\n")
	const want = `
| recipe | what you get |
| --- | --- |
| [shop](#shop) | Shop: orders, and what becomes of them |

## Tell

| recipe | what you get |
| --- | --- |
| [to-chat](#to-chat) | Chat\*: a message |

## What they were tried against
`
	if !strings.HasPrefix(got, want) {
		t.Errorf("it begins with\n%s", got)
	}
	_, got, _ = strings.Cut(got, "| recipe | tried against |\n")
	if diff := cmp.Diff(`| --- | --- |
| [shop](#shop) | a fake |
| [to-chat](#to-chat) | a fake; Chat 1.2 |

## shop

Shop: orders, and what becomes of them.

Orders of Müller's.

~~~sh
pollwire init shop
~~~

| set | what it is |
| --- | --- |
| 'SHOP_KEY' | a key that may read orders; a secret |
| 'SHOP_REGION' | where the shop is; eu where it is not set |
| 'SHOP_LIMIT' | from which total on; 100 where it is not set |

- Limit: 10 requests a second.
- The provider's pages: [shop.example.com: docs](https://shop.example.com/docs).
- Tried against: a fake.

A webhook, in part:

~~~json
{"a": 1}
~~~

## to-chat

Chat\*: a message.

~~~sh
pollwire init to-chat
~~~

- Limit: none|known.
- The provider's pages: [chat.example.com](https://chat.example.com).
- Tried against: a fake; Chat 1.2.
`, strings.NewReplacer("```", "~~~", "`", "'").Replace(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
