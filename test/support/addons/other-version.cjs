// An addon built for another version of this package, which had not all that this one has.
module.exports = {
  seamVersion: () => 9999,
  version: () => '9.9.9',
};
