// Asks the register with the client that openapi-generator makes for Go: ADDRESS CLAIMS -> answers as JSON.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	register "example.invalid/register/client"
)

type givenClaim struct {
	Id            string
	Provider      map[string]string
	Techniques    []string
	On            string
	KnownAt       time.Time `json:"known_at"`
	Practitioner  struct{ Name string }
	AdCertificate string `json:"ad_certificate"`
	Text          string
	Receipt       bool
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// makeClaim sets every field by its name.
func makeClaim(given givenClaim) register.Claim {
	provider := register.NewProvider()
	setters := map[string]func(string){
		"name": provider.SetName, "address": provider.SetAddress, "uscc": provider.SetUscc,
		"practice_licence_no": provider.SetPracticeLicenceNo, "code": provider.SetCode, "domain": provider.SetDomain,
	}
	for name, value := range given.Provider {
		setters[name](value)
	}
	claim := register.NewClaim()
	claim.SetProvider(*provider)
	claim.SetId(given.Id)
	claim.SetTechniques(given.Techniques)
	claim.SetOn(given.On)
	claim.SetKnownAt(given.KnownAt)
	claim.SetPractitioner(*register.NewPerson(given.Practitioner.Name))
	claim.SetAdCertificate(given.AdCertificate)
	claim.SetText(given.Text)
	claim.SetReceipt(given.Receipt)
	return *claim
}

func main() {
	raw, err := os.ReadFile(os.Args[2])
	must(err)
	var given struct{ Claims []givenClaim }
	must(json.Unmarshal(raw, &given))
	configuration := register.NewConfiguration()
	configuration.Servers = register.ServerConfigurations{{URL: os.Args[1]}}
	api := register.NewAPIClient(configuration).DefaultAPI
	var claims []register.Claim
	answers := []map[string]any{}
	for _, one := range given.Claims {
		claim := makeClaim(one)
		claims = append(claims, claim)
		answer, _, err := api.Verify(context.Background()).Claim(claim).Execute()
		must(err)
		answers = append(answers, map[string]any{"id": answer.GetId(), "verdict": answer.GetVerdict(), "receipt": answer.GetReceipt()})
	}
	nobody := register.NewProvider()
	nobody.SetAddress("三道街115号")
	unnamed := register.NewClaim()
	unnamed.SetProvider(*nobody)
	request := register.NewBatchClaims([]register.Claim{claims[0], *unnamed})
	rows, _, err := api.VerifyBatch(context.Background()).BatchClaims(*request).Execute()
	must(err)
	batch := []string{}
	for _, row := range rows.Answers {
		if problem, refused := row.GetErrorOk(); refused {
			batch = append(batch, problem.Code)
		} else {
			batch = append(batch, row.GetVerdict())
		}
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"answers": answers, "batch": batch}))
}
