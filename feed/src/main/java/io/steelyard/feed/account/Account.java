package io.steelyard.feed.account;

import java.time.Instant;
import java.util.Optional;

/**
 * Somebody's account.
 *
 * @param id number
 * @param name as shown
 * @param email where mail goes, lower case
 * @param password its hash
 * @param role what the account may do
 * @param verified when the address was, if it was
 * @param created when it was made
 * @param closed when a moderator suspended it, if one did
 */
public record Account(
    long id,
    String name,
    String email,
    String password,
    Viewer.Role role,
    Optional<Instant> verified,
    Instant created,
    Optional<Instant> closed) {

  /** Whether one can sign in with it. */
  public boolean usable() {
    return verified.isPresent() && closed.isEmpty();
  }

  /** Who is signed in with it. */
  public Viewer viewer() {
    return new Viewer(id, name, role);
  }

  /** Leaves out what nobody has to see. */
  @Override
  public String toString() {
    return "Account " + id + " " + name;
  }
}
