// Verdicts of the library that CometBFT v0.38 verifies votes with: three hexadecimal words a line in
// (key, message, signature), true or false a line out.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

func bytes(word string) []byte {
	data, err := hex.DecodeString(word)
	if err != nil {
		panic(err)
	}
	return data
}

func main() {
	options := &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Split(lines.Text(), " ")
		fmt.Println(ed25519.VerifyWithOptions(bytes(words[0]), bytes(words[1]), bytes(words[2]), options))
	}
}
