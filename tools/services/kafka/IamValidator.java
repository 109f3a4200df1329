import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * What MSK does with the token of a login by IAM, as AWS documents it: a presigned request for kafka-cluster:Connect in base64url. It checks the
 * signature by AWS Signature Version 4, and knows a few identities. A token that says something else than it should is refused with the reason.
 */
public final class IamValidator implements AuthenticateCallbackHandler {
  private static final DateTimeFormatter LONG_DATE = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
  private static final Duration CLOCK_SKEW_MAX = Duration.ofMinutes(5);
  private static final long EXPIRES_SECONDS_MAX = 900;
  /** What a presigned request has in its query; User-Agent is added behind the signature. */
  private static final Set<String> KNOWN_PARAMETERS = Set.of("Action", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
      "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders", "User-Agent");

  private record Identity(String secret, String sessionToken, boolean isAllowed) {}

  /** The keys of AWS's documentation, and inventions. */
  private static final Map<String, Identity> IDENTITIES = Map.of(
      "AKIDEXAMPLE", new Identity("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", null, true),
      "ASIAEXAMPLE", new Identity("temporary/+secret=", "a session's+token/of==many signs", true),
      "AKIABUSY", new Identity("busy", null, true),
      "AKIADENIED", new Identity("denied", null, false));

  private boolean wasBusy = false;

  @Override
  public void configure(Map<String, ?> settings, String mechanism, List<AppConfigurationEntry> entries) {}

  @Override
  public void close() {}

  @Override
  public void handle(Callback[] callbacks) throws UnsupportedCallbackException {
    for (Callback callback : callbacks) {
      if (!(callback instanceof OAuthBearerValidatorCallback validation)) {
        // Extensions, of which there are none.
        continue;
      }
      try {
        validation.token(validate(validation.tokenValue()));
      } catch (IllegalArgumentException | GeneralSecurityException refusal) {
        System.out.println("A token is refused: " + refusal.getMessage());
        validation.error("invalid_token", null, null);
      }
    }
  }

  private OAuthBearerToken validate(String value) throws GeneralSecurityException {
    check(!value.contains("=") && !value.contains("+") && !value.contains("/"), "it is not base64url without padding");
    String url = new String(Base64.getUrlDecoder().decode(value), StandardCharsets.UTF_8);
    int question = url.indexOf("/?");
    check(url.startsWith("https://") && question > 0, "it is not https://host/?query: " + url);
    String host = url.substring("https://".length(), question);

    Map<String, String> parameters = new HashMap<>();
    for (String pair : url.substring(question + 2).split("&")) {
      String[] parts = pair.split("=", 2);
      check(parts.length == 2 && parameters.put(decode(parts[0]), decode(parts[1])) == null, "it says twice or nothing: " + pair);
    }
    check(KNOWN_PARAMETERS.containsAll(parameters.keySet()), "it says what it should not: " + parameters.keySet());
    check("kafka-cluster:Connect".equals(parameters.get("Action")), "the action is another");
    check("AWS4-HMAC-SHA256".equals(parameters.get("X-Amz-Algorithm")), "the algorithm is another");
    check("host".equals(parameters.get("X-Amz-SignedHeaders")), "the signed headers are others");
    check(parameters.getOrDefault("User-Agent", "").length() > 0, "there is no User-Agent");

    String longDate = parameters.getOrDefault("X-Amz-Date", "");
    Instant signedAt = LONG_DATE.parse(longDate, Instant::from);
    long expiresSeconds = Long.parseLong(parameters.getOrDefault("X-Amz-Expires", ""));
    check(expiresSeconds > 0 && expiresSeconds <= EXPIRES_SECONDS_MAX, "it lives for " + expiresSeconds + " s");
    Instant now = Instant.now();
    Instant expiresAt = signedAt.plusSeconds(expiresSeconds);
    check(signedAt.isBefore(now.plus(CLOCK_SKEW_MAX)) && expiresAt.isAfter(now), "it is not valid now");

    String[] scope = parameters.getOrDefault("X-Amz-Credential", "").split("/");
    check(scope.length == 5 && scope[1].equals(longDate.substring(0, 8)) && scope[3].equals("kafka-cluster") && scope[4].equals("aws4_request"),
        "its scope is another");
    String region = scope[2];
    check(host.equals("kafka." + region + ".amazonaws.com"), "it is for host " + host + " and region " + region);
    Identity identity = IDENTITIES.get(scope[0]);
    check(identity != null, "nobody has this access key: " + scope[0]);
    String sessionToken = parameters.get("X-Amz-Security-Token");
    check(identity.sessionToken == null ? sessionToken == null : identity.sessionToken.equals(sessionToken), "the session's token is another");

    // Encoded anew, as AWS does: how the client encoded them must not matter, but for what it signed.
    Map<String, String> signed = new TreeMap<>();
    parameters.forEach((name, text) -> signed.put(encode(name), encode(text)));
    signed.remove("User-Agent");
    String signature = signed.remove("X-Amz-Signature");
    StringBuilder query = new StringBuilder();
    signed.forEach((name, text) -> query.append(query.length() == 0 ? "" : "&").append(name).append('=').append(text));
    String request = "GET\n/\n" + query + "\nhost:" + host + "\n\nhost\n" + sha256("");
    String toSign = "AWS4-HMAC-SHA256\n" + longDate + "\n" + String.join("/", List.of(scope).subList(1, 5)) + "\n" + sha256(request);
    byte[] key = ("AWS4" + identity.secret).getBytes(StandardCharsets.UTF_8);
    for (String part : List.of(scope).subList(1, 5)) key = hmac(key, part);
    check(HexFormat.of().formatHex(hmac(key, toSign)).equals(signature), "the signature is another");

    if (!identity.isAllowed) throw new SaslAuthenticationException("[0fc1d3b2-0000-4000-8000-5d2c11aa7c1e]: Access denied");
    if (scope[0].equals("AKIABUSY") && !wasBusy) {
      wasBusy = true;
      throw new SaslAuthenticationException("[0fc1d3b2-0000-4000-8000-5d2c11aa7c1e]: Too many connects");
    }
    System.out.println("A token of " + scope[0] + " is taken");
    return new Token(value, expiresAt.toEpochMilli(), signedAt.toEpochMilli(), scope[0]);
  }

  private record Token(String value, long lifetimeMs, Long startTimeMs, String principalName) implements OAuthBearerToken {
    @Override
    public Set<String> scope() {
      return Set.of();
    }
  }

  private static void check(boolean isTrue, String otherwise) {
    if (!isTrue) throw new IllegalArgumentException(otherwise);
  }

  /** RFC 3986, in which a plus sign is a plus sign. */
  private static String decode(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20").replace("*", "%2A").replace("%7E", "~");
  }

  private static String sha256(String text) throws GeneralSecurityException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
  }
}
