
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

DROP TABLE IF EXISTS `events`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `events` (
  `offset` bigint(20) NOT NULL,
  `id` varbinary(128) NOT NULL,
  `run_id` varbinary(128) NOT NULL,
  `turn` bigint(20) NOT NULL,
  `kind` varbinary(128) NOT NULL,
  `actor` varbinary(128) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `recorded_at` bigint(20) NOT NULL,
  `schema_version` bigint(20) NOT NULL,
  `session_id` varbinary(128) DEFAULT NULL,
  `model_profile` varbinary(128) DEFAULT NULL,
  `model_id` varbinary(128) DEFAULT NULL,
  `digest` binary(32) NOT NULL,
  `seal` bigint(20) NOT NULL,
  `metadata` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `payload` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`offset`),
  UNIQUE KEY `events_id` (`id`),
  KEY `events_run` (`run_id`),
  KEY `events_kind` (`kind`),
  KEY `events_actor` (`actor`),
  KEY `events_session` (`session_id`),
  KEY `events_model` (`model_id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

/*!40000 ALTER TABLE `events` DISABLE KEYS */;
INSERT INTO `events` VALUES
(1,0x6669727374,0x72756E,7,0x6C6C6D2E63616C6C6564,0x616E6E,1769841000123456,1795678221620343,3,0x73657373696F6E,0x66617374,0x6D6F64656C2D31,0x8AE709BDDE3E443CB88D1F5E282DF2EED56B0736A894ECF815E4C0561898389A,-7057860433797512874,'{\"correlation_id\":\"c-1\",\"free key\":\"free value\"}','{\"z\":1.0,\"a\":[1,2,{\"b\":null}]}'),
(2,0x7365636F6E64,0x72756E,1,0x6167656E742E73706F6B65,0x616E6E,1795678221570887,1795678221620343,1,NULL,NULL,NULL,0x80D3AF724FABA07DBFD1168A170B62D7957D719683BA1B80C767FCA1805B6F3D,4799453557391378293,'{}','{\"n\":1}');
/*!40000 ALTER TABLE `events` ENABLE KEYS */;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER events_are_never_changed BEFORE UPDATE ON events FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30001, MESSAGE_TEXT = 'a ledger is append-only: events are never changed' 
*/;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER events_are_never_deleted BEFORE DELETE ON events FOR EACH ROW
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_head WHERE resetting) THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30001, MESSAGE_TEXT = 'a ledger is append-only: events are never deleted';
    END IF;
END 
*/;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;

DROP TABLE IF EXISTS `events_are_never_truncated`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `events_are_never_truncated` (
  `offset` bigint(20) NOT NULL,
  PRIMARY KEY (`offset`),
  CONSTRAINT `events_are_never_truncated` FOREIGN KEY (`offset`) REFERENCES `events` (`offset`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

/*!40000 ALTER TABLE `events_are_never_truncated` DISABLE KEYS */;
/*!40000 ALTER TABLE `events_are_never_truncated` ENABLE KEYS */;

DROP TABLE IF EXISTS `events_readable`;
/*!50001 DROP VIEW IF EXISTS `events_readable`*/;
SET @saved_cs_client     = @@character_set_client;
SET character_set_client = utf8mb4;
/*!50001 CREATE VIEW `events_readable` AS SELECT
 NULL AS `offset`,
 NULL AS `recorded_at`,
 NULL AS `digest`,
 NULL AS `id`,
 NULL AS `run_id`,
 NULL AS `turn`,
 NULL AS `kind`,
 NULL AS `actor`,
 NULL AS `payload`,
 NULL AS `created_at`,
 NULL AS `schema_version`,
 NULL AS `session_id`,
 NULL AS `model_profile`,
 NULL AS `model_id`,
 NULL AS `metadata` */;
SET character_set_client = @saved_cs_client;

DROP TABLE IF EXISTS `ledger_checkpoints`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `ledger_checkpoints` (
  `consumer` varbinary(128) NOT NULL,
  `offset` bigint(20) NOT NULL,
  `event_id` varbinary(128) DEFAULT NULL,
  `updated_at` bigint(20) NOT NULL,
  PRIMARY KEY (`consumer`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

/*!40000 ALTER TABLE `ledger_checkpoints` DISABLE KEYS */;
INSERT INTO `ledger_checkpoints` VALUES
(0x63,1,0x6669727374,1795678221650841);
/*!40000 ALTER TABLE `ledger_checkpoints` ENABLE KEYS */;

DROP TABLE IF EXISTS `ledger_head`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `ledger_head` (
  `lane` int(11) NOT NULL,
  `schema_version` bigint(20) NOT NULL,
  `ledger_id` varbinary(36) NOT NULL,
  `epoch` bigint(20) NOT NULL,
  `first` bigint(20) NOT NULL,
  `next` bigint(20) NOT NULL,
  `recorded_at` bigint(20) NOT NULL,
  `commits` bigint(20) NOT NULL,
  `resetting` tinyint(1) NOT NULL DEFAULT 0,
  `created_at` bigint(20) NOT NULL,
  PRIMARY KEY (`lane`),
  CONSTRAINT `ledger_head_is_one_row` CHECK (`lane` = 1)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

/*!40000 ALTER TABLE `ledger_head` DISABLE KEYS */;
INSERT INTO `ledger_head` VALUES
(1,1,0x30316132313663332D333532642D373538362D383139642D623435666433393866353463,1,1,3,1795678221620343,2,0,1795678221613265);
/*!40000 ALTER TABLE `ledger_head` ENABLE KEYS */;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER ledger_head_goes_on BEFORE UPDATE ON ledger_head FOR EACH ROW
BEGIN
    IF new."next" < old."next" OR new.epoch < old.epoch OR new."first" < old."first"
        OR new.ledger_id <> old.ledger_id OR new.schema_version < old.schema_version THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30002, MESSAGE_TEXT = 'the head of a ledger only goes on';
    END IF;
END 
*/;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER ledger_head_stays BEFORE DELETE ON ledger_head FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30002, MESSAGE_TEXT = 'the head of a ledger cannot be deleted' 
*/;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;

DROP TABLE IF EXISTS `ledger_operations`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `ledger_operations` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `at` bigint(20) NOT NULL,
  `operation` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  `detail` text CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

/*!40000 ALTER TABLE `ledger_operations` DISABLE KEYS */;
/*!40000 ALTER TABLE `ledger_operations` ENABLE KEYS */;

/*!50001 DROP VIEW IF EXISTS `events_readable`*/;
/*!50001 SET @saved_cs_client          = @@character_set_client */;
/*!50001 SET @saved_cs_results         = @@character_set_results */;
/*!50001 SET @saved_col_connection     = @@collation_connection */;
/*!50001 SET character_set_client      = utf8mb4 */;
/*!50001 SET character_set_results     = utf8mb4 */;
/*!50001 SET collation_connection      = utf8mb4_general_ci */;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 SQL SECURITY INVOKER */
/*!50001 VIEW `events_readable` AS select `events`.`offset` AS `offset`,TIMESTAMP'1970-01-01 00:00:00.000000' + interval `events`.`recorded_at` microsecond AS `recorded_at`,lcase(hex(`events`.`digest`)) AS `digest`,convert(`events`.`id` using utf8mb4) AS `id`,convert(`events`.`run_id` using utf8mb4) AS `run_id`,`events`.`turn` AS `turn`,convert(`events`.`kind` using utf8mb4) AS `kind`,convert(`events`.`actor` using utf8mb4) AS `actor`,`events`.`payload` AS `payload`,TIMESTAMP'1970-01-01 00:00:00.000000' + interval `events`.`created_at` microsecond AS `created_at`,`events`.`schema_version` AS `schema_version`,convert(`events`.`session_id` using utf8mb4) AS `session_id`,convert(`events`.`model_profile` using utf8mb4) AS `model_profile`,convert(`events`.`model_id` using utf8mb4) AS `model_id`,`events`.`metadata` AS `metadata` from `events` */;
/*!50001 SET character_set_client      = @saved_cs_client */;
/*!50001 SET character_set_results     = @saved_cs_results */;
/*!50001 SET collation_connection      = @saved_col_connection */;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

