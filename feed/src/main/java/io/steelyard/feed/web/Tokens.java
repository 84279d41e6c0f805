package io.steelyard.feed.web;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;

/** Secrets that nobody can guess. */
public final class Tokens {

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int BYTES = 24;

  private Tokens() {}

  /** A new secret of 32 characters that may stand in an address. */
  public static String fresh() {
    final byte[] bytes = new byte[BYTES];
    RANDOM.nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** What is kept of a secret: it cannot be turned back. */
  public static String hashed(String secret) {
    return Reply.hash(secret.getBytes(StandardCharsets.UTF_8));
  }

  /** Whether two secrets are the same, in a time that tells nothing; empty ones never are. */
  public static boolean same(String one, String other) {
    return !one.isEmpty()
        && MessageDigest.isEqual(
            one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
  }
}
