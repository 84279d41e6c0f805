package io.steelyard.papers.catalogue;

import java.net.URI;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;

/**
 * What the catalogue knows of a paper.
 *
 * @param number position in the collection, from 1
 * @param slug short name, {@code [a-z0-9-]+}, used on the command line and in file names
 * @param title as published
 * @param authors how many, on the first version
 * @param date when it was first posted
 * @param arxivId without version, for example {@code 2001.04438}
 * @param kind what it contributes, the main thing first: attention, kernel, normaliser, gate, loss,
 *     head, model, training, analysis, ...
 * @param idea the idea in one sentence of ours
 * @param announcedCode address of the code as the abstract gives it
 * @param locatedCode address of the authors' code found elsewhere
 */
public record Paper(
    int number,
    String slug,
    String title,
    int authors,
    LocalDate date,
    String arxivId,
    List<String> kind,
    String idea,
    Optional<URI> announcedCode,
    Optional<URI> locatedCode) {

  /** Copies the list. */
  public Paper {
    kind = List.copyOf(kind);
  }

  /**
   * The best address of the authors' code: the located one, since announced links may be shortened,
   * else the announced one.
   */
  public Optional<URI> code() {
    return locatedCode.or(() -> announcedCode);
  }

  /** The abstract page on arXiv. */
  public URI arxivPage() {
    return URI.create("https://arxiv.org/abs/" + arxivId);
  }
}
