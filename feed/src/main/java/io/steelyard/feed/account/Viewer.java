package io.steelyard.feed.account;

/**
 * Somebody who is signed in.
 *
 * @param id of the account
 * @param name as shown
 * @param role what the account may do
 */
public record Viewer(long id, String name, Role role) {

  /** What an account may do. */
  public enum Role {
    /** Read, vote, comment, submit. */
    READER,
    /** Also hide comments and decide on corrections. */
    MODERATOR,
    /** Everything. */
    ADMIN
  }

  /** Whether the account may hide and decide. */
  public boolean moderates() {
    return role != Role.READER;
  }
}
