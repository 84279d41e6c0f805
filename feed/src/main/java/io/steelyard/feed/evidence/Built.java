package io.steelyard.feed.evidence;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.layers.Layer;
import io.steelyard.layers.Layers;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.report.Section;
import io.steelyard.papers.reproduction.Reproduction;
import java.util.List;
import java.util.Optional;

/**
 * What Steelyard built of one paper.
 *
 * @param slug its name in the collection, empty if it is not one of its papers
 * @param operators operators it defines
 * @param layers layers it defines
 * @param reproduction its experiment
 * @param section what the runs say, if there are any
 */
public record Built(
    String slug,
    List<Operator> operators,
    List<Layer> layers,
    Optional<Reproduction> reproduction,
    Optional<Section> section) {

  /** Copies the lists. */
  public Built {
    operators = List.copyOf(operators);
    layers = List.copyOf(layers);
  }

  static Built of(
      String slug, String arxiv, Optional<Reproduction> reproduction, Optional<Section> section) {
    return new Built(
        slug,
        Operators.all().stream()
            .filter(operator -> operator.source().work().equals(arxiv))
            .toList(),
        Layers.of(arxiv),
        reproduction,
        section);
  }

  /** Whether there is nothing. */
  public boolean isEmpty() {
    return operators.isEmpty() && layers.isEmpty() && reproduction.isEmpty();
  }

  /** What the runs say of each claim; empty without runs. */
  public List<Finding> findings() {
    return section.map(Section::findings).orElse(List.of());
  }

  /** The claims that no run has tested yet. */
  public List<Claim> untested() {
    return section.isPresent()
        ? List.of()
        : reproduction.map(Reproduction::claims).orElse(List.of());
  }

  /** Whether runs say something. */
  public boolean hasResult() {
    return section.isPresent();
  }
}
