// Writes what gnark makes of x³ + x + 5 = y: keys and a proof, compressed and raw.
package main

import (
	"io"
	"os"
	"path/filepath"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/backend/groth16"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
)

type cubic struct {
	X frontend.Variable
	Y frontend.Variable `gnark:",public"`
	Z frontend.Variable `gnark:",public"`
}

func (c *cubic) Define(api frontend.API) error {
	cube := api.Mul(c.X, c.X, c.X)
	api.AssertIsEqual(c.Y, api.Add(cube, c.X, 5))
	api.AssertIsEqual(c.Z, api.Mul(c.X, c.X))
	return nil
}

type document interface {
	WriteTo(io.Writer) (int64, error)
	WriteRawTo(io.Writer) (int64, error)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func write(folder, name string, d document) {
	plain := must(os.Create(filepath.Join(folder, name+".bin")))
	must(d.WriteTo(plain))
	raw := must(os.Create(filepath.Join(folder, name+".raw")))
	must(d.WriteRawTo(raw))
	if plain.Close() != nil || raw.Close() != nil {
		panic("close")
	}
}

func main() {
	folder := os.Args[1]
	field := ecc.BN254.ScalarField()
	circuit := must(frontend.Compile(field, r1cs.NewBuilder, &cubic{}))
	proving, verifying, err := groth16.Setup(circuit)
	if err != nil {
		panic(err)
	}
	witness := must(frontend.NewWitness(&cubic{X: 3, Y: 35, Z: 9}, field))
	proof := must(groth16.Prove(circuit, proving, witness))
	public := must(witness.Public())
	if err := groth16.Verify(proof, verifying, public); err != nil {
		panic(err)
	}
	write(folder, "proof", proof)
	write(folder, "key", verifying)
}
