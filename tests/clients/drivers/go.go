// As curl.sh says.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		path, wish, _ := strings.Cut(fields[1], "#")
		var body io.Reader
		if fields[2] != "-" {
			content, err := os.ReadFile(fields[2])
			check(err)
			body = bytes.NewReader(content)
		}
		request, err := http.NewRequest(fields[0], os.Args[1]+path, body)
		check(err)
		if body != nil {
			request.Header.Set("content-type", "application/json")
		}
		if fields[3] != "-" {
			request.Header.Set("authorization", "Bearer "+fields[3])
		}
		if wish == "async" {
			request.Header.Set("prefer", "respond-async")
		}
		response, err := http.DefaultClient.Do(request)
		check(err)
		content, err := io.ReadAll(response.Body)
		check(err)
		response.Body.Close()
		check(os.WriteFile(fields[4], content, 0o600))
		location := response.Header.Get("location")
		if location == "" {
			location = "-"
		}
		fmt.Printf("%d\t%s\n", response.StatusCode, location)
	}
	check(lines.Err())
}
