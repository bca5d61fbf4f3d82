import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.PrintStream;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.DefaultApi;
import org.openapitools.client.model.*;

/** Asks the register with the client that openapi-generator makes for Java: ADDRESS CLAIMS -> answers as JSON. */
public class Ask {
  static String text(JsonNode node, String name) {
    return node.hasNonNull(name) ? node.get(name).asText() : null;
  }

  /** Make a claim with every field set by its name. */
  static Claim makeClaim(JsonNode given) {
    JsonNode from = given.get("provider");
    Provider provider =
        new Provider()
            .name(text(from, "name"))
            .address(text(from, "address"))
            .uscc(text(from, "uscc"))
            .practiceLicenceNo(text(from, "practice_licence_no"))
            .code(text(from, "code"))
            .domain(text(from, "domain"));
    List<String> techniques = new ArrayList<>();
    given.get("techniques").forEach(word -> techniques.add(word.asText()));
    return new Claim()
        .id(text(given, "id"))
        .provider(provider)
        .techniques(techniques)
        .on(LocalDate.parse(text(given, "on")))
        .knownAt(OffsetDateTime.parse(text(given, "known_at")))
        .practitioner(new Person().name(text(given.get("practitioner"), "name")))
        .adCertificate(text(given, "ad_certificate"))
        .text(text(given, "text"))
        .receipt(given.get("receipt").asBoolean());
  }

  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    ApiClient client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    DefaultApi api = new DefaultApi(client);
    List<Claim> claims = new ArrayList<>();
    mapper.readTree(new File(arguments[1])).get("claims").forEach(claim -> claims.add(makeClaim(claim)));
    List<Map<String, Object>> answers = new ArrayList<>();
    for (Claim claim : claims) {
      Answer answer = api.verify(claim, null);
      Map<String, Object> shown = new HashMap<>();
      shown.put("id", answer.getId());
      shown.put("verdict", answer.getVerdict().getValue());
      shown.put("receipt", answer.getReceipt());
      answers.add(shown);
    }
    Claim nobody = new Claim().provider(new Provider().address("三道街115号"));
    BatchClaims request = new BatchClaims().claims(List.of(claims.get(0), nobody));
    List<String> batch = new ArrayList<>();
    for (BatchRow row : api.verifyBatch(request, null, null).getAnswers()) {
      batch.add(row.getError() != null ? row.getError().getCode() : row.getVerdict().getValue());
    }
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    out.println(mapper.writeValueAsString(Map.of("answers", answers, "batch", batch)));
  }
}
