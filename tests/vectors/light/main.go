// Verdicts of CometBFT's own light client: one case a line in, one verdict a line out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/cometbft/cometbft/libs/math"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/types"
)

// Block is a light block as CometBFT's RPC writes its parts.
type Block struct {
	SignedHeader types.SignedHeader `json:"signed_header"`
	Validators   []*types.Validator `json:"validators"`
}

// Case is one question: does the second block follow from the first?
type Case struct {
	Trusted   Block  `json:"trusted"`
	Untrusted Block  `json:"untrusted"`
	Now       string `json:"now"`
}

func set(b Block) *types.ValidatorSet {
	s := &types.ValidatorSet{Validators: b.Validators}
	if len(b.Validators) > 0 {
		s.Proposer = b.Validators[0]
	}
	return s
}

func verdict(c Case) string {
	now, err := time.Parse(time.RFC3339Nano, c.Now)
	if err != nil {
		return "bad case: " + err.Error()
	}
	err = light.Verify(&c.Trusted.SignedHeader, set(c.Trusted), &c.Untrusted.SignedHeader, set(c.Untrusted),
		32*time.Hour, now, 10*time.Second, math.Fraction{Numerator: 1, Denominator: 3})
	if err != nil {
		return err.Error()
	}
	return ""
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 1 {
			var c Case
			if e := cmtjson.Unmarshal(line, &c); e != nil {
				out.Encode(map[string]string{"hash": "", "verdict": "decode: " + e.Error()})
			} else {
				out.Encode(map[string]string{"hash": fmt.Sprintf("%X", c.Untrusted.SignedHeader.Header.Hash()), "verdict": verdict(c)})
			}
		}
		if err != nil {
			return
		}
	}
}
