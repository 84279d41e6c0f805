package io.steelyard.feed.account;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.text.Normalizer;
import java.util.Base64;
import java.util.concurrent.Semaphore;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;

/**
 * Passwords as Argon2id hashes, in the usual text form {@code
 * $argon2id$v=19$m=...,t=...,p=...$salt$hash}. Each hash takes 19 MiB for a moment, so few are
 * computed at a time.
 */
public final class Passwords {

  /** Shortest password. */
  public static final int SHORTEST = 10;

  /** Longest password: a limit on the work one can ask for. */
  public static final int LONGEST = 200;

  private static final int MEMORY_KIB = 19 * 1024;
  private static final int PASSES = 2;
  private static final int LANES = 1;
  private static final int SALT_BYTES = 16;
  private static final int HASH_BYTES = 32;
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Semaphore AT_ONCE = new Semaphore(2, true);

  private static final Pattern FORM =
      Pattern.compile(
          "\\$argon2id\\$v=19\\$m=(\\d{1,7}),t=(\\d{1,3}),p=(\\d{1,2})\\$([A-Za-z0-9+/]+)\\$([A-Za-z0-9+/]+)");

  /** A hash that no password has, to take the same time for accounts that do not exist. */
  private static final String NOBODY = hash(Tokens.fresh());

  private Passwords() {}

  /** What is wrong with a new password, empty if nothing is. */
  public static String objection(String password, String name, String email) {
    if (password.length() < SHORTEST) {
      return "the password has " + password.length() + " characters; expected at least " + SHORTEST;
    }
    if (password.length() > LONGEST) {
      return "the password has more than " + LONGEST + " characters";
    }
    if (password.equalsIgnoreCase(name) || password.equalsIgnoreCase(email)) {
      return "the password is the name or the address; choose another";
    }
    if (password.chars().distinct().count() < 4) {
      return "the password has fewer than four different characters; choose another";
    }
    return "";
  }

  /** The hash of a password with a salt of its own. */
  public static String hash(String password) {
    final byte[] salt = new byte[SALT_BYTES];
    RANDOM.nextBytes(salt);
    final byte[] hash = argon2(password, salt, MEMORY_KIB, PASSES, LANES, HASH_BYTES);
    final Base64.Encoder text = Base64.getEncoder().withoutPadding();
    return "$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s"
        .formatted(MEMORY_KIB, PASSES, LANES, text.encodeToString(salt), text.encodeToString(hash));
  }

  /** Whether it is the password of this hash. */
  public static boolean matches(String password, String stored) {
    final Matcher parts = FORM.matcher(stored);
    if (password.length() > LONGEST || !parts.matches()) {
      return false;
    }
    final byte[] hash = Base64.getDecoder().decode(parts.group(5));
    return MessageDigest.isEqual(
        hash,
        argon2(
            password,
            Base64.getDecoder().decode(parts.group(4)),
            Integer.parseInt(parts.group(1)),
            Integer.parseInt(parts.group(2)),
            Integer.parseInt(parts.group(3)),
            hash.length));
  }

  /** Takes as long as {@link #matches} for an account that does not exist. */
  public static void matchNobody(String password) {
    if (matches(password, NOBODY)) {
      throw new IllegalStateException("somebody guessed a random password");
    }
  }

  private static byte[] argon2(
      String password, byte[] salt, int memory, int passes, int lanes, int bytes) {
    final Argon2BytesGenerator generator = new Argon2BytesGenerator();
    generator.init(
        new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
            .withVersion(Argon2Parameters.ARGON2_VERSION_13)
            .withMemoryAsKB(memory)
            .withIterations(passes)
            .withParallelism(lanes)
            .withSalt(salt)
            .build());
    final byte[] hash = new byte[bytes];
    AT_ONCE.acquireUninterruptibly();
    try {
      // The same password has the same hash however a keyboard composes its accents.
      generator.generateBytes(
          Normalizer.normalize(password, Normalizer.Form.NFKC).getBytes(StandardCharsets.UTF_8),
          hash);
    } finally {
      AT_ONCE.release();
    }
    return hash;
  }
}
