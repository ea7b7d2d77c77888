-- MySQL dump 10.11
--
-- Host: localhost    Database: oscar
/*!40101 SET NAMES utf8 */;
/*!40103 SET TIME_ZONE='+00:00' */;

DROP TABLE IF EXISTS `Packages`;
CREATE TABLE `Packages` (
  `__class` varchar(100) default NULL,
  `description` text,
  `id` int(11) NOT NULL auto_increment,
  `package` varchar(100) NOT NULL,
  `version` varchar(250) NOT NULL,
  PRIMARY KEY  (`id`),
  UNIQUE KEY `package` (`package`)
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=latin1;

LOCK TABLES `Packages` WRITE;
/*!40000 ALTER TABLE `Packages` DISABLE KEYS */;
INSERT INTO `Packages` VALUES ('core','It\'s the ''base''; (really),\n--not a comment',1,'base','5.0'),('third_party',NULL,2,'sge','6.0u9'),(NULL,'#x',7,'ganglia','3.0.6'),('core','',9,'../evil','1');
/*!40000 ALTER TABLE `Packages` ENABLE KEYS */;
UNLOCK TABLES;

CREATE TABLE Packages_requires(
    p1_id  integer not null,
    p2_name VARCHAR(100) not null,
    type VARCHAR(100),
    PRIMARY KEY (p1_id, p2_name)
)TYPE=INNODB;
INSERT INTO Packages_requires (type, p1_id, p2_name) VALUES ('requires', 2, 'base'), ('requires', 2, 'perl'), ('requires', 7, 'ganglia');

CREATE TABLE `Packages_config` (`config_id` int, `package_id` int, `name` varchar(100), `value` varchar(255), `context` varchar(100));
INSERT INTO `Packages_config` VALUES (2,2,'second',' <b>&"x" ',NULL),(1,2,'first','64',''),(3,2,'first','1','oscarimage'),(4,2,'lost','1','noimage'),(5,99,'lost','1','');

CREATE TABLE `Images` (`architecture` varchar(100), `id` int(11), `name` varchar(100), `path` varchar(100));
INSERT INTO `Images` VALUES ('x86_64',1,'oscarimage','/var/lib/systemimager/images/oscarimage');

CREATE TABLE `Nodes` (`id` int(11), `image_id` int(11) NOT NULL default '0', `name` varchar(100) NOT NULL, `ram` varchar(100));
INSERT INTO `Nodes` VALUES (1,0,'oscar_server','1.5'),(2,1,'oscarnode1',NULL),(3,1,'oscarnode2','-1'),(4,8,'oscarnode3','x');

CREATE TABLE `Image_Package_Status` (`image_id` int, `package_id` int, `requested` int, `curr` int, `status` int, `errorMsg` varchar(100));
INSERT INTO `Image_Package_Status` VALUES (1,2,8,4,3,NULL);

CREATE TABLE `Node_Package_Status` (
  `current` int(11) default NULL,
  `error` text,
  `node_id` int(11) NOT NULL,
  `package_id` int(11) NOT NULL,
  `requested` int(11) NOT NULL default '1',
  `curr` int(11) default NULL,
  `status` int(11) default NULL,
  `ex_status` int(11) NOT NULL default '0',
  `selected` int(11) NOT NULL default '0',
  `errorMsg` varchar(100) default NULL,
  `client_nodes` varchar(500) default NULL,
  PRIMARY KEY  (`node_id`,`package_id`,`requested`),
  KEY `curr` (`curr`),
  CONSTRAINT `x` FOREIGN KEY (`curr`) REFERENCES `Status` (`id`) ON DELETE CASCADE
);
INSERT INTO `Node_Package_Status` VALUES
(NULL,NULL,1,2,8,6,5,0,2,NULL,'oscarnode1, oscarnode2 nowhere'),
(NULL,NULL,1,1,2,NULL,NULL,0,0,'',NULL),
(NULL,NULL,1,1,8,4,8,0,0,'exit status 1\nof a script',NULL),
(NULL,NULL,2,2,9,1,0,0,0,NULL,NULL),
(NULL,NULL,3,2,1,0,0,0,0,NULL,NULL),
(NULL,NULL,77,2,1,0,0,0,0,NULL,NULL),
(NULL,NULL,3,7,8);

-- Dump completed on 2008-09-28 20:14:12
