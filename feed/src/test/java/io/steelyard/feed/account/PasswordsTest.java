package io.steelyard.feed.account;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PasswordsTest {

  @Test
  void aPasswordMatchesItsHashAndNoOther() {
    final String hash = Passwords.hash("Crème brûlée for two");
    assertThat(hash).startsWith("$argon2id$v=19$m=19456,t=2,p=1$");
    assertThat(Passwords.matches("Crème brûlée for two", hash)).isTrue();
    assertThat(Passwords.matches("Cre\u0300me bru\u0302le\u0301e for two", hash)).isTrue();
    assertThat(Passwords.matches("crème brûlée for two", hash)).isFalse();
    assertThat(Passwords.hash("Crème brûlée for two")).isNotEqualTo(hash);
  }

  /** From the reference implementation: argon2id, m=64 KiB... as its own test writes it. */
  @Test
  void hashesOfOtherParametersAreRead() {
    assertThat(
            Passwords.matches(
                "password",
                "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"))
        .isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "plain", "$argon2id$v=19$m=1,t=1,p=1$$", "$2b$10$abc"})
  void whatIsNoHashMatchesNothing(String stored) {
    assertThat(Passwords.matches("password", stored)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "short, at least 10",
    "aaaaaaaaaaaa, four different",
    "Ada-Lovelace, the name",
    "ada@example.org, the address"
  })
  void weakPasswordsAreRefused(String password, String why) {
    assertThat(Passwords.objection(password, "ada-lovelace", "ada@example.org")).contains(why);
  }

  @Test
  void othersAreNot() {
    assertThat(Passwords.objection("a good one, this", "ada", "ada@example.org")).isEmpty();
  }
}
