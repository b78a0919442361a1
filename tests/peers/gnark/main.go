// A peer for `chiaro bench`: gnark-crypto's kernels behind the protocol chiaro-peer/1.
//
// One JSON object a line comes in, one answer a line goes out; tests/peers/README.md lists works,
// inputs, outputs and what the clock runs over.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"syscall"
	"time"
)

const protocol = "chiaro-peer/1"

// maxLine bounds a request: inputs are paths, numbers and a few hundred hex digits.
const maxLine = 1 << 20

type request struct {
	Op      string         `json:"op"`
	Work    string         `json:"work"`
	Size    int            `json:"size"`
	Threads int            `json:"threads"`
	Inputs  map[string]any `json:"inputs"`
}

type answer map[string]any

// task is a piece of work, ready to run any number of times.
type task struct {
	reset  func()                 // before the clock: fresh copies of what run overwrites
	run    func() error           // the clock runs over this
	output func() (string, error) // after the clock
}

// prepare loads inputs and converts them to the library's own form.
type prepare func(size, threads int, in inputs) (*task, error)

var works = map[string]prepare{
	"fp_mul":       prepareFpMul,
	"fr_mul":       prepareFrMul,
	"msm_g1":       prepareMsmG1,
	"msm_g2":       prepareMsmG2,
	"ntt":          prepareNtt,
	"pairing":      preparePairing,
	"prove":        prepareProve,
	"verify":       prepareVerify,
	"verify_batch": prepareVerifyBatch,
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	var current *task
	for lines.Scan() {
		var ask request
		if err := json.Unmarshal(lines.Bytes(), &ask); err != nil {
			refuse(out, fmt.Errorf("this line is not a request: %w", err))
			continue
		}
		if ask.Op == "quit" {
			return
		}
		reply, err := guarded(&ask, &current)
		if err != nil {
			refuse(out, err)
			continue
		}
		reply["ok"] = true
		if out.Encode(reply) != nil {
			return
		}
	}
}

func refuse(out *json.Encoder, err error) {
	_ = out.Encode(answer{"ok": false, "error": err.Error()})
}

// guarded turns a panic of the library into an error: a peer never crashes on its inputs.
func guarded(ask *request, current **task) (reply answer, err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("%s: %v", ask.Op, trouble)
		}
	}()
	return handle(ask, current)
}

func handle(ask *request, current **task) (answer, error) {
	switch ask.Op {
	case "hello":
		return hello(), nil
	case "prepare":
		begin, known := works[ask.Work]
		if !known {
			return nil, fmt.Errorf("the work %q is not known here", ask.Work)
		}
		if ask.Size < 1 || ask.Size > 1<<28 {
			return nil, fmt.Errorf("%d is no size", ask.Size)
		}
		if ask.Threads < 1 || ask.Threads > 1024 {
			return nil, fmt.Errorf("%d is no number of threads", ask.Threads)
		}
		*current = nil
		runtime.GOMAXPROCS(ask.Threads)
		began := time.Now()
		made, err := begin(ask.Size, ask.Threads, inputs(ask.Inputs))
		if err != nil {
			return nil, err
		}
		*current = made
		return answer{"prepare_ms": milliseconds(time.Since(began))}, nil
	case "run":
		if *current == nil {
			return nil, fmt.Errorf("nothing is prepared")
		}
		return run(*current)
	case "memory":
		return answer{"peak_rss_mb": peakMegabytes()}, nil
	}
	return nil, fmt.Errorf("the request %q is not known here", ask.Op)
}

func hello() answer {
	names := make([]string, 0, len(works))
	for name := range works {
		names = append(names, name)
	}
	sort.Strings(names)
	threads := make([]int, runtime.NumCPU())
	for i := range threads {
		threads[i] = i + 1
	}
	return answer{
		"protocol": protocol,
		"peer":     "gnark",
		"version":  version(),
		"works":    names,
		"threads":  threads,
	}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/consensys/gnark-crypto" {
				return fmt.Sprintf("gnark-crypto %s, %s", module.Version, runtime.Version())
			}
		}
	}
	return "gnark-crypto, " + runtime.Version()
}

// run does the work once. Garbage of earlier runs is collected before the clock starts.
func run(current *task) (answer, error) {
	if current.reset != nil {
		current.reset()
	}
	runtime.GC()
	cpu, began := cpuTime(), time.Now()
	err := current.run()
	wall, used := time.Since(began), cpuTime()-cpu
	if err != nil {
		return nil, err
	}
	output, err := current.output()
	if err != nil {
		return nil, err
	}
	return answer{
		"wall_ms": milliseconds(wall),
		"cpu_ms":  milliseconds(used),
		"output":  output,
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// cpuTime is user and system time of the whole process.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func peakMegabytes() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	kilo := 1024.0
	if runtime.GOOS == "darwin" { // bytes there, kibibytes elsewhere
		kilo = 1
	}
	return float64(usage.Maxrss) * kilo / 1e6
}
