// An addon that loads and has none of the names it should have.
module.exports = {};
