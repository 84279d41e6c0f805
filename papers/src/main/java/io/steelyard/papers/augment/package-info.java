/**
 * What is done to pictures before a network sees them: crops, random changes, mixtures. Pictures
 * are {@link java.awt.image.BufferedImage} of type RGB until {@link
 * io.steelyard.papers.augment.Pixels} makes them numbers.
 */
package io.steelyard.papers.augment;
